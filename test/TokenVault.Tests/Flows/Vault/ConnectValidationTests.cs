using System.Text;
using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;

namespace TokenVault.Tests.Flows.Vault;

public sealed class ConnectValidationTests(ConnectValidationTests.SignedInScene scene) : IClassFixture<ConnectValidationTests.SignedInScene>
{
    private const string Challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    public static TheoryData<string, string> BadConnects { get; } = new()
    {
        { """{}""", "connection" },
        { """{"connection":null}""", "connection" },
        { """{"connection":""}""", "connection" },
        { """{"connection":7}""", "connection" },
        { """{"connection":["calendar"]}""", "connection" },
        { $$"""{"connection":"{{new string('c', 129)}}"}""", "connection" },
        { """{"connection":"cal\u0000endar"}""", "connection" },
        { """{"connection":"no-such"}""", "connection" },
        { """{"connection":"CALENDAR"}""", "connection" },
        { """{"connection":"Username-Password-Authentication"}""", "connection" },
        { """{"connection":"calendar","redirect_uri":null}""", "redirect_uri" },
        { """{"connection":"calendar","redirect_uri":{}}""", "redirect_uri" },
        { $$"""{"connection":"calendar","redirect_uri":"https://app.example/{{new string('p', 2049)}}"}""", "redirect_uri" },
        { $$"""{"connection":"calendar","state":"{{new string('s', 4097)}}"}""", "state" },
        { """{"connection":"calendar","state":"a\nb"}""", "state" },
        { """{"connection":"calendar","state":1}""", "state" },
        { """{"connection":"calendar","scopes":"calendar.read"}""", "scopes" },
        { """{"connection":"calendar","scopes":[]}""", "scopes" },
        { """{"connection":"calendar","scopes":[""]}""", "scopes" },
        { """{"connection":"calendar","scopes":["a","a"]}""", "scopes" },
        { """{"connection":"calendar","scopes":["a b"]}""", "scopes" },
        { """{"connection":"calendar","scopes":["a\nb"]}""", "scopes" },
        { """{"connection":"calendar","scopes":["a\"b"]}""", "scopes" },
        { """{"connection":"calendar","scopes":["ä"]}""", "scopes" },
        { """{"connection":"calendar","scopes":[1]}""", "scopes" },
        { """{"connection":"calendar","scopes":[null]}""", "scopes" },
        { $$"""{"connection":"calendar","scopes":["{{new string('s', 256)}}"]}""", "scopes" },
        { $$"""{"connection":"calendar","scopes":[{{string.Join(',', Enumerable.Range(0, 101).Select(i => $"\"s{i}\""))}}]}""", "scopes" },
        { """{"connection":"calendar","authorization_params":[]}""", "authorization_params" },
        { """{"connection":"calendar","authorization_params":"a=b"}""", "authorization_params" },
        { """{"connection":"calendar","authorization_params":{"prompt":1}}""", "authorization_params/prompt" },
        { """{"connection":"calendar","authorization_params":{"login_hint":"a\r\nb"}}""", "authorization_params/login_hint" },
        { $$"""{"connection":"calendar","code_challenge":"{{Challenge}}"}""", "code_challenge" },
        { """{"connection":"calendar","code_challenge_method":"S256"}""", "code_challenge" },
        { $$"""{"connection":"calendar","code_challenge":"{{Challenge}}","code_challenge_method":"plain"}""", "code_challenge" },
        { $$"""{"connection":"calendar","code_challenge":"{{Challenge}}","code_challenge_method":"s256"}""", "code_challenge" },
        { $$"""{"connection":"calendar","code_challenge":"{{Challenge[1..]}}","code_challenge_method":"S256"}""", "code_challenge" },
        { $$"""{"connection":"calendar","code_challenge":"{{Challenge}}=","code_challenge_method":"S256"}""", "code_challenge" },
        { """{"connection":"calendar","code_challenge":7,"code_challenge_method":"S256"}""", "code_challenge" },
    };

    public static TheoryData<string> RedirectUris { get; } =
    [
        "https://app.example/callback/", "https://app.example/callback?a=b", "https://app.example/callback#f", "https://app.example/callback%2F",
        "https://app.example/Callback", "https://APP.example/callback", "https://app.example:443/callback", "https://app.example:8443/callback",
        "https://app.example//callback", "https://app.example/./callback", "https://app.example/x/../callback", "https://app.example/%63allback",
        "http://app.example/callback", "HTTPS://app.example/callback", "https:/app.example/callback", "https:app.example/callback",
        "//app.example/callback", "/callback", "callback", "https://app.example", "https://app.example/", "https://app.example/callback.evil",
        "https://app.example.evil.example/callback", "https://evil.example/callback", "https://evil.example/https://app.example/callback",
        "https://app.example@evil.example/callback", "https://user@app.example/callback", "https://user:pw@app.example/callback",
        "https://evil.example\\@app.example/callback", "https://app.example\\callback", "https://app.example/callback\\",
        "https://app.example./callback",
        " https://app.example/callback", "https://app.example/callback ", "https://app.example/callback%00", "https://app.example/callback%0d%0aX: y",
        "https://app.exam\u0440le/callback", "https://app\u3002example/callback", "https://*.example/callback", "https://app.example/*",
        "javascript:alert(1)", "data:text/html,x", "https://127.0.0.1/callback", "http://localhost/callback", "http://[::1]/callback",
        "com.example.app:/callback", "urn:ietf:wg:oauth:2.0:oob", "https://app.example/callback?", "https://app.example/callback#",
    ];

    [Theory]
    [MemberData(nameof(BadConnects))]
    public async Task A_bad_member_of_connect_is_named_in_the_problem(string body, string field)
    {
        var json = JsonNode.Parse(body)!.AsObject();
        if (!json.ContainsKey("redirect_uri"))
        {
            json["redirect_uri"] = Operator.Callback;
        }

        var answer = await scene.Vault.Api.SendAsync(HttpMethod.Post, VaultScene.Connect, scene.Token, json);

        var error = VaultScene.Problem(answer, 400)["validation_errors"]!.AsArray().ShouldHaveSingleItem()!;
        ((string?)error["field"]).ShouldBe(field);
        ((string?)error["pointer"]).ShouldBe("/" + field);
    }

    [Fact]
    public void T_CF_03_The_vectors_are_45_or_more() => RedirectUris.Count.ShouldBeGreaterThanOrEqualTo(45);

    [Theory]
    [MemberData(nameof(RedirectUris))]
    public async Task T_CF_03_Only_the_registered_redirect_uri_is_taken(string redirectUri)
    {
        var body = new JsonObject { ["connection"] = VaultScene.Calendar, ["redirect_uri"] = redirectUri };

        var answer = await scene.Vault.Api.SendAsync(HttpMethod.Post, VaultScene.Connect, scene.Token, body);

        ((string?)VaultScene.Problem(answer, 400)["validation_errors"]![0]!["field"]).ShouldBe("redirect_uri");
    }

    [Theory]
    [InlineData("{", "application/json", 400)]
    [InlineData("", "application/json", 400)]
    [InlineData("[]", "application/json", 400)]
    [InlineData("null", "application/json", 400)]
    [InlineData("\"text\"", "application/json", 400)]
    [InlineData("""{"connection":"a","connection":"b"}""", "application/json", 400)]
    [InlineData("""{"connection":"\ud800"}""", "application/json", 400)]
    [InlineData("{}", "application/json; charset=utf-16", 400)]
    [InlineData("{}", "text/plain", 415)]
    [InlineData("connection=calendar", "application/x-www-form-urlencoded", 415)]
    [InlineData("{}", "", 415)]
    public async Task A_body_that_is_no_json_object_is_a_problem(string body, string contentType, int status)
    {
        foreach (var path in (string[])[VaultScene.Connect, VaultScene.Complete])
        {
            var answer = await scene.SendRawAsync(HttpMethod.Post, path, scene.Token, contentType, Encoding.UTF8.GetBytes(body));

            VaultScene.Problem(answer, status);
        }
    }

    [Fact]
    public async Task A_body_that_is_too_large_or_too_deep_is_a_problem()
    {
        var large = Encoding.UTF8.GetBytes($$"""{"connection":"{{new string('x', 70_000)}}"}""");
        var deep = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("{\"a\":", 40)) + "1" + new string('}', 40));

        VaultScene.Problem(await scene.SendRawAsync(HttpMethod.Post, VaultScene.Connect, scene.Token, "application/json", large), 413);
        VaultScene.Problem(await scene.SendRawAsync(HttpMethod.Post, VaultScene.Connect, scene.Token, "application/json", deep), 400);
    }

    [Theory]
    [InlineData("auth_session")]
    [InlineData("connect_code")]
    [InlineData("redirect_uri")]
    public async Task Complete_names_the_member_that_is_missing_or_of_the_wrong_type(string member)
    {
        foreach (var wrong in (JsonNode?[])[null, 1, new JsonArray(), new string('x', 2049), "a\tb"])
        {
            var body = new JsonObject { ["auth_session"] = "a", ["connect_code"] = "b", ["redirect_uri"] = Operator.Callback };
            body[member] = wrong;

            var answer = await scene.Vault.Api.SendAsync(HttpMethod.Post, VaultScene.Complete, scene.Token, body);

            ((string?)VaultScene.Problem(answer, 400)["validation_errors"]![0]!["field"]).ShouldBe(member);
        }
    }

    [Fact]
    public async Task Only_a_users_access_token_for_this_api_is_taken()
    {
        var user = scene.User;
        var management = await scene.AdminAsync();
        var tampered = scene.Token[..^8] + (scene.Token[^8] == 'A' ? 'B' : 'A') + scene.Token[^7..];
        string?[] refused = [null, "", "garbage", "a.b.c", user.AccessToken, user.IdToken, user.RefreshToken, management.Token, tampered];
        foreach (var token in refused)
        {
            foreach (var (method, path) in Routes())
            {
                var answer = await scene.Vault.Api.SendAsync(method, path, token, method == HttpMethod.Post ? new JsonObject() : null);

                VaultScene.Problem(answer, 401);
                answer.Text.ShouldNotContain(token is { Length: > 8 } ? token : "\u0001");
            }
        }
    }

    [Fact]
    public async Task Each_endpoint_asks_for_its_scope()
    {
        foreach (var (method, path) in Routes())
        {
            string[] all = [Wire.ReadConnectedAccounts, Wire.CreateConnectedAccounts, Wire.DeleteConnectedAccounts];
            var needed = all[method == HttpMethod.Get ? 0 : method == HttpMethod.Post ? 1 : 2];
            var others = all.Where(scope => scope != needed);
            var lacking = await scene.User.MyTokenAsync(string.Join(' ', others));
            var enough = await scene.User.MyTokenAsync(needed);

            var body = method == HttpMethod.Post ? new JsonObject() : null;
            VaultScene.Problem(await scene.Vault.Api.SendAsync(method, path, lacking, body), 403)["detail"]!.GetValue<string>().ShouldContain(needed);
            (await scene.Vault.Api.SendAsync(method, path, enough, body?.DeepClone())).Status.ShouldNotBe(403);
        }
    }

    [Fact]
    public async Task T_ST_11_A_token_does_not_outlive_its_user_or_its_client()
    {
        var admin = await scene.AdminAsync();
        var blocked = await scene.NewUserAsync();
        var deleted = await scene.NewUserAsync();
        var shortLived = new Application(scene.Vault.Api, await admin.CreateApplicationAsync("Short-lived"));
        var orphan = await scene.NewUserAsync(shortLived);
        var tokens = new[] { await blocked.MyTokenAsync(), await deleted.MyTokenAsync(), await orphan.MyTokenAsync() };

        (await admin.PatchAsync("users/" + Uri.EscapeDataString(blocked.Id), new JsonObject { ["blocked"] = true })).Status.ShouldBe(200);
        (await admin.DeleteAsync("users/" + Uri.EscapeDataString(deleted.Id))).Status.ShouldBe(204);
        (await admin.DeleteAsync("clients/" + shortLived.Credentials.ClientId)).Status.ShouldBe(204);

        foreach (var token in tokens)
        {
            foreach (var (method, path) in Routes())
            {
                var answer = await scene.Vault.Api.SendAsync(method, path, token, method == HttpMethod.Post ? new JsonObject() : null);

                answer.Status.ShouldBeOneOf(401, 403);
                VaultScene.Problem(answer, answer.Status);
            }
        }
    }

    [Fact]
    public async Task An_ended_token_is_refused()
    {
        var token = await scene.User.MyTokenAsync();
        scene.Clock.Jump(TimeSpan.FromDays(2));

        VaultScene.Problem(await scene.Vault.Api.SendAsync(HttpMethod.Get, VaultScene.Accounts, token), 401);
        await scene.RenewAsync();
    }

    private static (HttpMethod Method, string Path)[] Routes() =>
    [
        (HttpMethod.Post, VaultScene.Connect),
        (HttpMethod.Post, VaultScene.Complete),
        (HttpMethod.Get, VaultScene.Accounts),
        (HttpMethod.Get, "me/v1/connected-accounts/connections"),
        (HttpMethod.Delete, VaultScene.Accounts + "/cac_0123456789abcdefghijkl"),
    ];

    /// <summary>With one user whom these tests, which store nothing, may share.</summary>
    public sealed class SignedInScene : VaultScene
    {
        internal TestUser User { get; private set; } = null!;

        internal string Token { get; private set; } = "";

        public override async Task InitializeAsync()
        {
            await base.InitializeAsync();
            User = await NewUserAsync();
            await RenewAsync();
        }

        internal async Task RenewAsync() => Token = await User.MyTokenAsync();
    }
}
