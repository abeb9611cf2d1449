using System.Text.Json.Nodes;
using TokenVault.Server.Connections;
using TokenVault.Server.Demo;
using TokenVault.Server.Storage;
using TokenVault.Testing;
using TokenVault.Tests.Flows.SignIn;

namespace TokenVault.Tests.Flows.Vault;

/// <summary>Who may change a connection, and would have what is kept for its provider sent to a host of theirs.</summary>
public sealed class ConnectionMoveTests(VaultScene scene) : IClassFixture<VaultScene>
{
    public static TheoryData<string, string> Ways { get; } = new()
    {
        { "the secret given again", "token_endpoint" },
        { "another secret", "token_endpoint" },
        { "another secret, set before", "token_endpoint" },
        { "no secret", "token_endpoint" },
        { "a key", "token_endpoint" },
        { "the secret given again", "revocationURL" },
        { "the secret given again", "issuer" },
    };

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task T_MG_01_A_connection_with_users_tokens_is_not_pointed_at_another_host(string way, string place)
    {
        await using var attackers = await FakeProvider.StartAsync(time: scene.Clock);
        var name = await scene.NewConnectionAsync();
        var user = await scene.ConnectedUserAsync(name);
        if (way == "another secret, set before")
        {
            (await PatchAsync(name, options => options["client_secret"] = "mine")).Status.ShouldBe(200);
        }

        var moved = await PatchAsync(name, options =>
        {
            Prove(options, way);
            options[place] = place == "issuer" ? attackers.Issuer : attackers.Sandbox.TokenUrl;
        });

        (moved.Status, moved["errorCode"]).ShouldBe((409, "conflict"), moved.Text);
        (await PatchAsync(name, _ => { })).Status.ShouldBe(200);
        scene.EndAccessTokens();
        (await user.ExchangeAsync(name)).Status.ShouldBe(200);
        attackers.Refresh.Calls.ShouldBe(0);
    }

    [Fact]
    public async Task T_MG_01_A_connection_is_not_pointed_elsewhere_while_a_sign_in_is_about_to_bring_tokens()
    {
        await using var attackers = await FakeProvider.StartAsync(time: scene.Clock);
        var name = await scene.NewConnectionAsync();
        using var browser = scene.Vault.NewBrowser();
        var gate = new FakeGate();
        scene.Provider.Redemption.Next(Fault.Held(gate).AfterCommit());
        var signingIn = scene.AuthorizeAsync(browser, name);
        await gate.Entered;

        var moved = await PatchAsync(name, options => options["token_endpoint"] = attackers.Sandbox.TokenUrl);

        (moved.Status, moved["errorCode"]).ShouldBe((409, "conflict"), moved.Text);
        gate.Release();
        var (visit, verifier) = await signingIn;
        scene.EndAccessTokens();
        var user = await scene.SignInAsync(name);
        visit["code"].ShouldNotBeNull(verifier);
        (await user.ExchangeAsync(name)).Status.ShouldBe(200);
        attackers.Refresh.Calls.ShouldBe(0);
    }

    [Theory]
    [InlineData("connect")]
    [InlineData("sign in")]
    [InlineData("link")]
    public async Task T_MG_01_Tokens_that_come_while_the_connection_is_pointed_elsewhere_are_not_kept_for_there(string way)
    {
        var name = await scene.NewConnectionAsync();
        var user = await scene.NewUserAsync();
        var gate = new FakeGate();
        scene.Provider.Redemption.Next(Fault.Held(gate).AfterCommit());
        var begun = await user.BeginAsync(new JsonObject { ["connection"] = name });
        var coming = way switch
        {
            "connect" => user.Browser.GoAsync(begun.Link, Operator.Callback),
            "sign in" => VisitAsync(scene.AuthorizeAsync(scene.Vault.NewBrowser(), name)),
            _ => VisitAsync(scene.App.AuthorizeAsync(
                user.Browser, "", "", audience: null, "openid link_account", [new("requested_connection", name), new("id_token_hint", user.IdToken!)])),
        };
        await gate.Entered;

        // As by somebody whose look at what there is came before all this, and whose commit comes now.
        var row = (await scene.Storage.FindByKeyAsync<Connection>("name", name, default)).ShouldNotBeNull();
        var options = row.Options with { TokenUrl = "https://attacker.example/token" };
        (await scene.Storage.CommitAsync(new Batch().Replace(row with { Options = options }))).Committed.ShouldBeTrue();
        gate.Release();
        var visit = await coming;

        if (way == "connect")
        {
            VaultScene.Problem(await scene.App.CompleteAsync(begun.Token, begun.CompleteBody(visit["connect_code"])), 400);
        }
        else
        {
            visit.ShouldEndWith("access_denied");
        }

        (await user.ExchangeAsync(name))["reason"].ShouldBe("not_connected");
        var given = scene.Provider.Commits[^1];
        await scene.TickUntilAsync(() => Task.FromResult(!scene.Provider.IsLive(given.AccessToken)), TimeSpan.FromSeconds(5));
    }

    private static async Task<Visit> VisitAsync(Task<(Visit Visit, string Verifier)> coming) => (await coming).Visit;

    [Theory]
    [InlineData(null, 400)]
    [InlineData("********", 400)]
    [InlineData("given again", 200)]
    public async Task T_UP_14_A_client_secret_goes_to_no_other_host_on_the_word_of_somebody_who_does_not_know_it(string? secret, int status)
    {
        await using var attackers = await FakeProvider.StartAsync(time: scene.Clock);
        var name = await scene.NewConnectionAsync();

        var answer = await PatchAsync(name, options =>
        {
            options["client_secret"] = secret;
            if (secret is null)
            {
                options.Remove("client_secret");
            }

            options["token_endpoint"] = attackers.Sandbox.TokenUrl;
        });

        answer.Status.ShouldBe(status, answer.Text);
    }

    [Theory]
    [InlineData("gitlab", "domain", "gitlab.evil.example", true)]
    [InlineData("salesforce", "domain", "acme.my.salesforce.com", false)]
    [InlineData("zendesk", "subdomain", "renamed", false)]
    [InlineData("waad", "tenant_domain", "contoso.com", false)]
    public void T_MG_01_A_variable_leads_out_of_the_provider_where_it_names_anybodys_host(string strategy, string variable, string value, bool leaves)
    {
        var provider = ProviderCatalog.Load().Find(strategy);
        var moved = new ConnectionOptions { Variables = new Dictionary<string, string> { [variable] = value } };

        ConnectionOptionsBody.MayLeaveProvider(moved, new ConnectionOptions(), provider).ShouldBe(leaves);
        ConnectionOptionsBody.MayLeaveProvider(moved, moved, provider).ShouldBeFalse();
    }

    private void Prove(JsonObject options, string way)
    {
        options["client_secret"] = way switch
        {
            "the secret given again" => scene.Provider.ClientSecret,
            "no secret" or "a key" => null,
            _ => "mine",
        };
        if (way == "a key")
        {
            options["token_endpoint_auth_method"] = "private_key_jwt";
        }
    }

    private async Task<Answer> PatchAsync(string name, Action<JsonObject> change)
    {
        var options = scene.Provider.OidcOptions(VaultScene.CalendarScopes);
        change(options);
        var admin = await scene.AdminAsync();
        var id = (string?)(await admin.GetAsync("connections?name=" + name)).Json[0]!["id"];
        return await admin.PatchAsync("connections/" + id, new JsonObject { ["options"] = options });
    }
}
