using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;
using TokenVault.Tests.Connections.Behaviours;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Connections;

/// <summary>Providers that do not do as they are described, and what an application may add to a request.</summary>
public sealed class CatalogRefusalTests(CatalogScene scene) : IClassFixture<CatalogScene>
{
    public static TheoryData<string> Wrongs { get; } =
    [
        "Entra, another tenant's issuer", "Entra, no tid", "Workspace, another domain", "Workspace, a personal account", "Slack, no workspace",
        "Slack, an id with a NUL", "GitHub, an id with a line break", "GitHub, no id", "GitHub, an id without end", "Google, a subject with a tab",
        "QuickBooks, no company", "Entra, another provider's callback",
    ];

    [Theory]
    [MemberData(nameof(Wrongs))]
    public async Task T_UP_08_An_account_that_is_not_named_as_it_must_be_is_not_connected(string wrong)
    {
        var behaviour = Wrong(wrong);
        var name = await AddAsync(behaviour);
        var back = await VisitAsync(name, new JsonObject());

        (back["connect_code"], back["error"]).ShouldBe((null, "server_error"), string.Join("; ", scene.Double.Refusals));
        (await scene.User.ExchangeAsync(name))["reason"].ShouldBe("not_connected");
    }

    [Theory]
    [InlineData("""{"hd":"example.com"}""", true)]
    [InlineData("{}", true)]
    [InlineData("""{"hd":"evil.example"}""", false)]
    public async Task T_UP_09_A_refresh_that_names_an_account_of_another_organization_is_not_used(string claims, bool used)
    {
        var workspace = KnownBehaviours.All["google-apps"];
        var name = await AddAsync(workspace);
        var account = await scene.ConnectAsync(name);
        await scene.ExpireAsync(account);
        scene.Double.Change(workspace with { OpenId = workspace.OpenId! with { Claims = claims } });

        var answer = await scene.User.ExchangeAsync(name);

        scene.Double.Grants.Refreshes.ShouldBe(1);
        (answer.Status, answer["reason"]).ShouldBe(used ? (200, null) : (401, "reauthorization_required"), answer.Text);
    }

    [Theory]
    [InlineData("calendar.write,calendar.share", "openid email https://www.googleapis.com/auth/calendar.readonly calendar.write calendar.share")]
    [InlineData("calendar.write calendar.share", "openid email https://www.googleapis.com/auth/calendar.readonly calendar.write calendar.share")]
    [InlineData("email", "openid email https://www.googleapis.com/auth/calendar.readonly")]
    [InlineData("", "openid email https://www.googleapis.com/auth/calendar.readonly")]
    public async Task A_connection_scope_adds_to_the_connections_scopes(string connectionScope, string asked)
    {
        var name = await AddAsync(KnownBehaviours.All["google-oauth2"]);
        (await AskedAsync(name, new JsonObject { ["authorization_params"] = new JsonObject { ["connection_scope"] = connectionScope } })).ShouldBe(asked);
    }

    [Fact]
    public async Task A_requests_scopes_take_the_place_of_the_connections_and_connection_scope_adds_to_them()
    {
        var name = await AddAsync(KnownBehaviours.All["google-oauth2"]);
        var request = new JsonObject
        {
            ["scopes"] = new JsonArray("drive.readonly"),
            ["authorization_params"] = new JsonObject { ["connection_scope"] = "tasks" },
        };
        (await AskedAsync(name, request)).ShouldBe("openid drive.readonly tasks");
    }

    [Theory]
    [InlineData("\"a b\\\"c\"")]
    [InlineData("7")]
    [InlineData("\"a\\nb\"")]
    public async Task A_connection_scope_that_is_none_is_refused(string json)
    {
        var body = (JsonObject)JsonNode.Parse($$$"""{"connection":"calendar","redirect_uri":"{{{Operator.Callback}}}","authorization_params":{"connection_scope":{{{json}}}}}""")!;
        var answer = await scene.User.MyAsync(HttpMethod.Post, VaultScene.Connect, await scene.User.MyTokenAsync(), body);
        VaultScene.Problem(answer, 400);
        answer.Text.ShouldContain("connection_scope");
    }

    [Fact]
    public async Task T_CF_06_Entras_own_issuer_in_the_callback_is_taken_although_its_tenant_is_not_known_yet()
    {
        var entra = KnownBehaviours.All["waad"];
        var name = await AddAsync(entra with { Callback = "iss=" + Uri.EscapeDataString(entra.OpenId!.Issuer) });
        (await scene.RowAsync(await scene.ConnectAsync(name))).Issuer.ShouldBe(entra.OpenId.Issuer);
    }

    [Theory]
    [InlineData("slack", """{"ok":false,"error":"token_revoked"}""", false, "Revoked")]
    [InlineData("slack", """{"ok":false,"error":"internal_error"}""", false, "Pending")]
    [InlineData("google-oauth2", "", true, "Revoked")]
    [InlineData("dropbox", "null", true, "Revoked")]
    [InlineData("slack", "", true, "Pending")]
    public async Task T_UP_15_What_a_provider_says_of_a_token_that_is_given_back_is_taken_for_what_it_is(
        string strategy, string answer, bool withdrawn, string state)
    {
        var behaviour = KnownBehaviours.All[strategy];
        var name = await AddAsync(behaviour with { Revocation = behaviour.Revocation! with { Answer = answer } });
        var account = await scene.ConnectAsync(name);
        if (withdrawn)
        {
            scene.Double.Grants.Withdraw();
        }

        (await scene.RevocationAsync(account)).State.ToString().ShouldBe(state);
    }

    [Fact]
    public async Task What_a_provider_gave_before_it_refused_to_trade_it_for_a_lasting_token_goes_back_to_it()
    {
        var name = await AddAsync(KnownBehaviours.All["facebook"]);
        scene.Double.TradeOutages = 1;

        var back = await VisitAsync(name, new JsonObject());

        (back["connect_code"], back["error"]).ShouldBe((null, "temporarily_unavailable"));
        await scene.TickUntilAsync(() => Task.FromResult(scene.Double.Revoked.Count == 1), TimeSpan.FromSeconds(5));
        scene.Double.Grants.Find(scene.Double.Revoked.Single()).ShouldBeNull();
        scene.Double.TradeOutages = 0;
        await scene.ConnectAsync(name);
    }

    private static Behaviour Wrong(string wrong)
    {
        var (entra, workspace) = (KnownBehaviours.All["waad"], KnownBehaviours.All["google-apps"]);
        var (slack, github) = (KnownBehaviours.All["slack"], KnownBehaviours.All["github"]);
        return wrong switch
        {
            "Entra, another tenant's issuer" => entra with { OpenId = entra.OpenId! with { Claims = """{"tid":"another"}""" } },
            "Entra, no tid" => entra with { OpenId = entra.OpenId! with { Claims = "{}" } },
            "Workspace, another domain" => workspace with { OpenId = workspace.OpenId! with { Claims = """{"hd":"evil.example"}""" } },
            "Workspace, a personal account" => workspace with { OpenId = workspace.OpenId! with { Claims = "{}" } },
            "Slack, no workspace" => slack with { Answer = issue => slack.Answer(issue).And("""{"team":null}""") },
            "Slack, an id with a NUL" => slack with { Answer = issue => ((JsonObject)slack.Answer(issue)).With("authed_user", "id", "U1\0") },
            "GitHub, an id with a line break" => github with { User = github.User! with { Json = """{"id":"1\n2"}""" } },
            "GitHub, no id" => github with { User = github.User! with { Json = """{"login":"octocat"}""" } },
            "GitHub, an id without end" => github with { User = github.User! with { Json = $$"""{"id":"{{new string('1', 256)}}"}""" } },
            "Google, a subject with a tab" => KnownBehaviours.All["google-oauth2"] with { UserId = "a\tb" },
            "QuickBooks, no company" => KnownBehaviours.All["quickbooks"] with { Callback = "" },
            "Entra, another provider's callback" => entra with { Callback = "iss=https%3A%2F%2Fevil.example%2F72f988bf" },
            _ => throw new ArgumentOutOfRangeException(nameof(wrong), wrong, message: null),
        };
    }

    private Task<string> AddAsync(Behaviour behaviour) => scene.AddProviderAsync(behaviour, $"{behaviour.Strategy}-{Identifier.Client()}");

    private async Task<string> AskedAsync(string name, JsonObject request)
    {
        request["connection"] = name;
        var visit = await scene.User.Browser.GoAsync((await scene.User.BeginAsync(request)).Link, scene.Double.Behaviour.Authorize);
        return PendingConnect.Query(visit.Url)["scope"];
    }

    private async Task<Visit> VisitAsync(string name, JsonObject request)
    {
        request["connection"] = name;
        var visit = await scene.User.Browser.GoAsync((await scene.User.BeginAsync(request)).Link, scene.Double.Behaviour.Authorize);
        return await scene.User.Browser.GoAsync(await scene.Double.ApproveAsync(visit.Url), Operator.Callback);
    }
}
