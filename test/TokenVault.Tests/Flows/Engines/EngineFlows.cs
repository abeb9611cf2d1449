using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;
using TokenVault.Testing;

namespace TokenVault.Tests.Flows.Engines;

/// <summary>The main job from end to end; every storage engine runs it.</summary>
public abstract class EngineFlows : IAsyncLifetime
{
    private const string Api = "https://calendar-api.example/";
    private const string Calendar = "calendar";

    private protected TestVault Vault { get; private set; } = null!;

    private protected FakeProvider Provider { get; private set; } = null!;

    private protected Operator Admin { get; private set; } = null!;

    private protected Application App { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Vault = await TestVault.StartAsync(new Dictionary<string, string?> { ["TokenVault:Storage:ConnectionString"] = await ConnectionStringAsync() });
        Provider = await FakeProvider.StartAsync(time: Vault.Clock);
        Admin = await Operator.SignInAsync(Vault.Api, Vault.Bootstrap);
        await Admin.CreateApiAsync(Api);
        App = new Application(Vault.Api, await Admin.CreateApplicationAsync("Application"));
        await Admin.CreateConnectionAsync(Calendar, "oidc", Provider.OidcOptions("openid", "email", "offline_access", "calendar.read"), App.Credentials);
    }

    public async Task DisposeAsync()
    {
        await Vault.DisposeAsync();
        await Provider.DisposeAsync();
        await RemoveAsync();
    }

    [Fact]
    public async Task A_user_signs_in_and_connects_and_the_application_exchanges_before_and_after_expiry_and_a_restart()
    {
        var refreshToken = await ConnectAsync();
        var first = await ExchangeAsync(refreshToken, 200);
        (await ExchangeAsync(refreshToken, 200))["access_token"].ShouldBe(first["access_token"]);

        Vault.Clock.Advance(TimeSpan.FromSeconds(3601));
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => ExchangeAsync(refreshToken, 200)));
        answers.Select(answer => answer["access_token"]).Distinct().ShouldHaveSingleItem().ShouldNotBe(first["access_token"]);
        Provider.Refresh.Calls.ShouldBe(1);

        await Vault.RestartAsync();
        (await ExchangeAsync(refreshToken, 200))["access_token"].ShouldBe(answers[0]["access_token"]);
        Vault.Clock.Advance(TimeSpan.FromSeconds(3601));
        Provider.IsLive((await ExchangeAsync(refreshToken, 200))["access_token"]!).ShouldBeTrue();
        Provider.Refresh.Calls.ShouldBe(2);

        var rows = await Vault.Storage.ReadAuditAsync(0, 1_000, CancellationToken.None);
        rows.Select(row => (string?)JsonNode.Parse(row.Body)!["type"]).Count(type => type == "seta").ShouldBe(24);
    }

    [Fact]
    public async Task A_disconnected_account_is_gone()
    {
        var refreshToken = await ConnectAsync();
        var token = (await App.RefreshAsync(refreshToken, Vault.Issuer + "me/"))["access_token"]!;
        var accounts = await Vault.Api.SendAsync(HttpMethod.Get, "me/v1/connected-accounts/accounts", token);
        var id = accounts.Json["accounts"]![0]!["id"]!.GetValue<string>();
        (await Vault.Api.SendAsync(HttpMethod.Delete, "me/v1/connected-accounts/accounts/" + id, token)).Status.ShouldBe(204);

        (await ExchangeAsync(refreshToken, 401))["reason"].ShouldBe(FailureReason.NotConnected);
    }

    /// <summary>Null: the default engine.</summary>
    private protected abstract Task<string?> ConnectionStringAsync();

    private protected virtual Task RemoveAsync() => Task.CompletedTask;

    /// <summary>A new user who has connected an account, signed in to the application.</summary>
    private protected async Task<string> ConnectAsync()
    {
        var (email, password) = (Identifier.ConnectedAccount().ToLowerInvariant() + "@example.com", Identifier.Secret());
        await Admin.CreateUserAsync(email, password);
        var browser = Vault.NewBrowser();
        var tokens = await App.SignInAsync(browser, email, password, Api, "openid profile email offline_access read:calendar");
        var refreshToken = tokens["refresh_token"].ShouldNotBeNull(tokens.Text);
        var myAccount = (await App.RefreshAsync(refreshToken, Vault.Issuer + "me/"))["access_token"]!;
        var (_, complete) = await App.ConnectAsync(browser, myAccount, Calendar);
        (await App.CompleteAsync(myAccount, complete)).Status.ShouldBe(201);
        return refreshToken;
    }

    private protected async Task<Answer> ExchangeAsync(string refreshToken, int status)
    {
        var answer = await App.ExchangeAsync(refreshToken, Wire.RefreshTokenType, Calendar);
        answer.Status.ShouldBe(status, answer.Text);
        return answer;
    }

    /// <summary>The form of an exchange, to be sent to any node.</summary>
    private protected Dictionary<string, string> ExchangeForm(string refreshToken) => new()
    {
        ["client_id"] = App.Credentials.ClientId,
        ["client_secret"] = App.Credentials.ClientSecret,
        ["grant_type"] = Wire.FederatedExchange,
        ["subject_token"] = refreshToken,
        ["subject_token_type"] = Wire.RefreshTokenType,
        ["requested_token_type"] = Wire.FederatedAccessTokenType,
        ["connection"] = Calendar,
    };
}
