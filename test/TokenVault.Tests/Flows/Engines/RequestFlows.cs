using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Http;
using TokenVault.Server.OAuth.Logout;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Testing;
using TokenVault.Tests.Flows.Devices;
using TokenVault.Tests.Flows.OAuth;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Flows.Engines;

/// <summary>What is under way survives a restart, or goes on at another node; every storage engine runs it.</summary>
public abstract class RequestFlows : IAsyncLifetime
{
    private const string Email = "ada@example.com";
    private const string Password = "correct horse battery";

    private protected TestVault Vault { get; private set; } = null!;

    private Operator Admin { get; set; } = null!;

    public async Task InitializeAsync()
    {
        Vault = await TestVault.StartAsync(new Dictionary<string, string?> { ["TokenVault:Storage:ConnectionString"] = await ConnectionStringAsync() });
        Admin = await Operator.SignInAsync(Vault.Api, Vault.Bootstrap);
        await Admin.CreateUserAsync(Email, Password);
    }

    public async Task DisposeAsync()
    {
        await RemoveNodeAsync();
        await Vault.DisposeAsync();
        await RemoveAsync();
    }

    [Fact]
    public async Task A_pushed_request_is_used_up_wherever_the_browser_comes_with_it()
    {
        var app = await Admin.CreateApplicationAsync("Pushes");
        var names = await Task.WhenAll(PushAsync(app), PushAsync(app));
        using var browser = await SignedInAsync(app);
        using var elsewhere = await ElsewhereAsync();

        var back = await browser.GoAsync(Url(elsewhere, app, names[0]), Operator.Callback);
        back["code"].ShouldNotBeNull(back.Url);
        back["iss"].ShouldBe(Vault.Issuer);
        foreach (var api in (VaultApi[])[Vault.Api, elsewhere])
        {
            (await browser.GoAsync(Url(api, app, names[0]), Operator.Callback)).Status.ShouldBe(400);
        }

        // Of many at once, at whichever node, one gets through.
        var visits = await Task.WhenAll(Enumerable.Range(0, 10).Select(i => browser.GoAsync(Url(i % 2 == 0 ? Vault.Api : elsewhere, app, names[1]), Operator.Callback)));
        visits.Count(visit => visit.Status == 0 && visit["code"] is not null).ShouldBe(1);
        visits.Count(visit => visit.Status == 400).ShouldBe(9);
    }

    [Fact]
    public async Task A_device_and_its_user_may_talk_to_different_nodes()
    {
        var device = await Device.BeginAsync(Vault.Api, await Device.ClientAsync(Admin));
        (await device.AskAsync()).ShouldBeRefused(403, "authorization_pending");
        using var elsewhere = await ElsewhereAsync();
        (await device.AskAsync(elsewhere)).ShouldBeRefused(429, "slow_down");
        Vault.Clock.Advance(TimeSpan.FromSeconds(10));
        (await device.AskAsync(elsewhere)).ShouldBeRefused(403, "authorization_pending");

        using var browser = Vault.NewBrowser();
        var consent = await device.EnterAsync(browser, Email, Password, at: elsewhere);
        (await Device.AnswerAsync(browser, consent, "allow")).Html.ShouldContain("Device connected");
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => device.AskAsync(i % 2 == 0 ? Vault.Api : elsewhere)));

        answers.Count(answer => answer.Status == 200).ShouldBe(1);
        answers.Where(answer => answer.Status != 200).ShouldAllBe(answer => answer["error"] == "invalid_grant");
    }

    [Fact]
    public async Task A_client_is_told_once_of_a_session_that_ended_at_another_node()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        var app = await Admin.CreateApplicationAsync("Told", new JsonObject
        {
            ["oidc_logout"] = new JsonObject { ["backchannel_logout_urls"] = new JsonArray(receiver.Address) },
        });
        using var browser = await SignedInAsync(app);
        using var elsewhere = await ElsewhereAsync();

        (await browser.GoAsync(elsewhere.Issuer + "v2/logout")).Html.ShouldContain("Signed out");
        await VaultScene.UntilAsync(async () =>
            receiver.Accepted.Count > 0 && await Vault.Storage.CountAsync(new ListQuery(PendingLogout.Kind), CancellationToken.None) == 0);

        receiver.Calls.ShouldBe(1);
        (await browser.GoAsync(Urls.WithQuery(Vault.Issuer + "authorize", Request(app).Append(new("prompt", "none"))), Operator.Callback))["error"].ShouldBe("login_required");
    }

    /// <summary>Null: the default engine.</summary>
    private protected abstract Task<string?> ConnectionStringAsync();

    /// <summary>Another node; or where there can be one only, that one after a restart.</summary>
    private protected abstract Task<VaultApi> ElsewhereAsync();

    private protected virtual Task RemoveNodeAsync() => Task.CompletedTask;

    private protected virtual Task RemoveAsync() => Task.CompletedTask;

    private async Task<Browser> SignedInAsync(Credentials app)
    {
        var browser = Vault.NewBrowser();
        (await new Application(Vault.Api, app).SignInAsync(browser, Email, Password, audience: null, "openid")).Status.ShouldBe(200);
        return browser;
    }

    private async Task<string> PushAsync(Credentials app)
    {
        var form = Request(app).Append(new("client_secret", app.ClientSecret)).ToDictionary(p => p.Key, p => p.Value);
        var answer = await Vault.Api.FormAsync("oauth/par", form);
        answer.Status.ShouldBe(201, answer.Text);
        return answer["request_uri"]!;
    }

    private static IEnumerable<KeyValuePair<string, string>> Request(Credentials app) =>
    [
        new("client_id", app.ClientId), new("response_type", "code"), new("redirect_uri", Operator.Callback), new("scope", "openid"),
        new("code_challenge", Pkce.Challenge(OAuthVault.Verifier)), new("code_challenge_method", "S256"),
    ];

    private static string Url(VaultApi api, Credentials app, string requestUri) =>
        Urls.WithQuery(api.Issuer + "authorize", [new("client_id", app.ClientId), new("request_uri", requestUri)]);
}
