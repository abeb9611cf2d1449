using System.Text;
using TokenVault.Server.Accounts;
using TokenVault.Server.Connections;
using TokenVault.Server.Demo;
using TokenVault.Server.OAuth.SignIn;
using TokenVault.Server.Storage;
using TokenVault.Server.Tokensets;
using TokenVault.Server.Users;
using TokenVault.Testing;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Flows.SignIn;

/// <summary>
/// A provider that answers garbage, too much, too slowly or with somebody else's identity: the application hears a code and a sentence for
/// the person, the log has a row, and nothing is stored.
/// </summary>
public sealed class BadProviderTests(VaultScene scene) : IClassFixture<VaultScene>
{
    private const string Away = "temporarily_unavailable";
    private const string Unusable = "server_error";

    public static TheoryData<string, string> Answers { get; } = new()
    {
        { "garbage: HTML", Away },
        { "garbage: half of a JSON text", Away },
        { "garbage: a list", Away },
        { "garbage: no UTF-8", Away },
        { "garbage: no access token", Away },
        { "too much", Away },
        { "too slow: silence", Away },
        { "somebody else's: another nonce", Unusable },
        { "somebody else's: another client's", Unusable },
        { "somebody else's: another issuer's", Unusable },
        { "somebody else's: no signature", Unusable },
    };

    [Theory]
    [MemberData(nameof(Answers))]
    public async Task Connecting_ends_at_the_application_with_a_typed_error_a_row_in_the_log_and_nothing_stored(string fault, string error)
    {
        var connection = await scene.NewConnectionAsync();
        var user = await scene.NewUserAsync();
        var begun = await user.BeginAsync(new() { ["connection"] = connection });

        var visit = await GoAsync(user.Browser, begun.Link, fault);

        visit.ShouldEndWith(error);
        visit["connect_code"].ShouldBeNull();
        var row = (await scene.AuditAsync("connected_accounts_connection_failed", user.Id)).ShouldHaveSingleItem();
        ((string)row["description"]!).ShouldStartWith(error);
        (await user.MyAsync(HttpMethod.Get, VaultScene.Accounts, await user.MyTokenAsync())).Json["accounts"]!.AsArray().ShouldBeEmpty();
        VaultScene.Problem(await scene.App.CompleteAsync(begun.Token, begun.CompleteBody("made-up")), 400);
        await NothingIsLeftAsync(connection);
    }

    [Theory]
    [MemberData(nameof(Answers))]
    public async Task Signing_in_ends_at_the_application_with_a_typed_error_a_row_in_the_log_and_nothing_stored(string fault, string error)
    {
        var connection = await scene.NewConnectionAsync();
        using var browser = scene.Vault.NewBrowser();
        var url = (await scene.DepartAsync(browser, connection)).Url;

        var visit = await GoAsync(browser, url, fault);

        visit.ShouldEndWith(error);
        var row = (await scene.AuditAsync("f")).Where(row => (string?)row["connection"] == connection).ShouldHaveSingleItem();
        ((string)row["description"]!).ShouldStartWith(error);
        (await scene.AuthorizeAsync(browser, connection, ("prompt", "none"))).Visit.ShouldEndWith("login_required");
        (await scene.Storage.ListAllAsync<User>(index: null, default)).ShouldNotContain(user => user.Identity != null && user.Identity.Connection == connection);
        await NothingIsLeftAsync(connection);
    }

    [Fact]
    public async Task T_CF_06_An_attackers_server_that_sends_the_browser_on_to_an_honest_one_gets_no_code()
    {
        await using var attackers = await FakeProvider.StartAsync(time: scene.Clock);
        var honest = await scene.NewConnectionAsync();
        var evil = "evil-" + honest;
        await scene.AddConnectionAsync(evil, "oidc", attackers.OidcOptions(VaultScene.CalendarScopes));
        var user = await scene.NewUserAsync();
        var begun = await user.BeginAsync(new() { ["connection"] = evil });
        var (codes, redeemed) = (scene.Provider.Authorization.Calls, scene.Provider.Redemption.Calls);

        // With the state of the attacker's leg, and the registration of the honest connection.
        foreach (var leg in (string[])["connect", "sign-in"])
        {
            attackers.Authorization.Next(new Fault { Replace = context => SendOn(context, honest) });
            var visit = leg == "connect"
                ? await user.Browser.GoAsync(begun.Link, Operator.Callback)
                : (await scene.AuthorizeAsync(user.Browser, evil, ("prompt", "login"))).Visit;
            visit.Status.ShouldBe(400, leg);
        }

        scene.Provider.Authorization.Calls.ShouldBe(codes + 2);
        (attackers.Redemption.Calls, scene.Provider.Redemption.Calls).ShouldBe((0, redeemed));
    }

    private Task SendOn(Microsoft.AspNetCore.Http.HttpContext context, string honest)
    {
        var parameters = context.Request.Query.ToDictionary(p => p.Key, p => p.Value.ToString(), StringComparer.Ordinal);
        parameters["client_id"] = scene.Provider.ClientId;
        parameters["redirect_uri"] = $"{scene.Vault.Issuer}login/callback/{honest}";
        context.Response.Redirect(Server.Http.Urls.WithQuery(scene.Provider.Sandbox.AuthorizationUrl, parameters));
        return Task.CompletedTask;
    }

    /// <summary>The browser's way through a provider that is at fault when the code is redeemed.</summary>
    private async Task<Visit> GoAsync(Browser browser, string url, string fault)
    {
        scene.Provider.Redemption.Next(FaultOf(fault));
        var calls = scene.Provider.Redemption.Calls;
        var visiting = browser.GoAsync(url, Operator.Callback);
        await scene.Provider.Redemption.WhenCalledAsync(calls + 1);
        if (fault.StartsWith("too slow", StringComparison.Ordinal))
        {
            scene.Clock.Advance(TimeSpan.FromSeconds(16));
        }

        return await visiting;
    }

    private async Task NothingIsLeftAsync(string connection)
    {
        var id = (await scene.Storage.FindByKeyAsync<Connection>("name", connection, default))!.Id;
        (await scene.Storage.ListAllAsync<Tokenset>(index: null, default)).ShouldNotContain(row => row.ConnectionId == id);
        (await scene.Storage.ListAllAsync<ConnectedAccount>(index: null, default)).ShouldNotContain(row => row.ConnectionId == id);
        (await scene.Storage.ListAllAsync<ConnectRequest>(index: null, default)).ShouldNotContain(row => row.ConnectionId == id);
        (await scene.Storage.ListAllAsync<SignInRequest>(index: null, default)).ShouldNotContain(row => row.ConnectionId == id);
    }

    private static Fault FaultOf(string name) => name switch
    {
        "garbage: HTML" => Fault.Html(),
        "garbage: half of a JSON text" => Fault.TruncatedJson(),
        "garbage: a list" => Fault.Answer(200, "application/json", "[1,2,3]"),
        "garbage: no UTF-8" => Fault.Answer(200, "application/json", Encoding.Latin1.GetString([0xC3, 0x28, 0xFF, 0xFE])),
        "garbage: no access token" => Fault.Rewriting((answer, _) => answer.Remove("access_token")),
        "too much" => Fault.Oversize(),
        "too slow: silence" => Fault.Hang(),
        "somebody else's: another nonce" => Fault.IdTokenClaim("nonce", "of another sign-in"),
        "somebody else's: another client's" => Fault.IdTokenClaim("aud", "another-client"),
        "somebody else's: another issuer's" => Fault.IdTokenClaim("iss", "https://attacker.example"),
        "somebody else's: no signature" => Fault.Rewriting((answer, _) => answer["id_token"] = Unsigned((string)answer["id_token"]!)),
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, message: null),
    };

    private static string Unsigned(string idToken) => idToken[..(idToken.LastIndexOf('.') + 1)];
}
