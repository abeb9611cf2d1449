using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Testing;

namespace TokenVault.Tests.Flows.Attack;

/// <summary>A server with a provider, an application and a user: what an attacker finds.</summary>
public sealed class AttackScene : IAsyncLifetime
{
    internal const string Email = "ada@example.com";
    internal const string Password = "correct horse battery";
    internal const string Calendar = "calendar";

    internal TestVault Vault { get; private set; } = null!;

    internal FakeProvider Provider { get; private set; } = null!;

    internal Operator Admin { get; private set; } = null!;

    internal Application App { get; private set; } = null!;

    internal string UserId { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Vault = await TestVault.StartAsync();
        Provider = await FakeProvider.StartAsync(time: Vault.Clock);
        Admin = await Operator.SignInAsync(Vault.Api, Vault.Bootstrap);
        App = new Application(Vault.Api, await Admin.CreateApplicationAsync("Application"));
        UserId = await Admin.CreateUserAsync(Email, Password);
    }

    public async Task DisposeAsync()
    {
        await Vault.DisposeAsync();
        await Provider.DisposeAsync();
    }

    internal static string Path(string identifier) => "resource-servers/" + Uri.EscapeDataString(identifier);

    /// <summary>The tokens of a user who has just signed in.</summary>
    internal async Task<Answer> SignInAsync(Browser browser, Application? application = null, string? email = null)
    {
        var answer = await (application ?? App).SignInAsync(browser, email ?? Email, Password, audience: null, "openid offline_access");
        answer.Status.ShouldBe(200, answer.Text);
        return answer;
    }

    /// <summary>A new user of this name with an account connected at <see cref="Calendar"/>, which must be there; the refresh token.</summary>
    internal async Task<(string UserId, string RefreshToken, string AccountId)> ConnectedUserAsync(string connection = Calendar)
    {
        var email = Identifier.ConnectedAccount().ToLowerInvariant() + "@example.com";
        var userId = await Admin.CreateUserAsync(email, Password);
        using var browser = Vault.NewBrowser();
        var refreshToken = (await SignInAsync(browser, email: email))["refresh_token"]!;
        var mine = (await App.RefreshAsync(refreshToken, Vault.Issuer + "me/"))["access_token"]!;
        var (_, complete) = await App.ConnectAsync(browser, mine, connection);
        var answer = await App.CompleteAsync(mine, complete);
        answer.Status.ShouldBe(201, answer.Text);
        return (userId, refreshToken, answer["id"]!);
    }

    /// <summary>A token request with just these members.</summary>
    internal Task<Answer> TokenAsync(JsonObject body) => Vault.Api.SendAsync(HttpMethod.Post, "oauth/token", body: body);

    internal async Task<int> AuditRowsAsync() => (await Vault.Storage.ReadAuditAsync(0, 1_000_000, CancellationToken.None)).Count;

    /// <summary>Of one kind: what the server does in the background leaves its own.</summary>
    internal async Task<int> AuditRowsAsync(string type) =>
        (await Vault.Storage.ReadAuditAsync(0, 1_000_000, CancellationToken.None)).Count(row => (string?)JsonNode.Parse(row.Body)!["type"] == type);

    internal async Task<long> CountAsync<T>()
        where T : class, IRecord<T> => await Vault.Storage.CountAsync(new ListQuery(T.Kind), CancellationToken.None);
}
