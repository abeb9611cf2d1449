using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;
using TokenVault.Tests.Flows.OAuth;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Flows.Delegation;

/// <summary>The error table of RFC 8693 §2.2.2 and RFC 6749 §5.2 for the token exchange: what is refused, how, and that a trace of it is left.</summary>
public sealed class TokenExchangeErrorTests(DelegationScene scene) : IClassFixture<DelegationScene>
{
    /// <summary>Changes of a good request; null takes a parameter out. @own is the client's own token, @iss the issuer.</summary>
    public static TheoryData<string, int, string> Requests { get; } = new()
    {
        // invalid_request: what is not a request of the grant.
        { """{"subject_token":null}""", 400, "invalid_request" },
        { """{"subject_token":""}""", 400, "invalid_request" },
        { """{"subject_token_type":null}""", 400, "invalid_request" },
        { """{"subject_token_type":"access_token"}""", 400, "invalid_request" },
        { """{"subject_token_type":"urn:ietf:params:oauth:token-type:refresh_token"}""", 400, "invalid_request" },
        { """{"subject_token_type":"urn:ietf:params:oauth:token-type:saml2"}""", 400, "invalid_request" },
        { """{"subject_token_type":"URN:IETF:params:oauth:token-type:access_token"}""", 400, "invalid_request" },
        { """{"subject_token_type":["urn:ietf:params:oauth:token-type:access_token"]}""", 400, "invalid_request" },
        { """{"requested_token_type":"urn:ietf:params:oauth:token-type:refresh_token"}""", 400, "invalid_request" },
        { """{"requested_token_type":"urn:ietf:params:oauth:token-type:id_token"}""", 400, "invalid_request" },
        { """{"requested_token_type":"http://auth0.com/oauth/token-type/token-vault-access-token"}""", 400, "invalid_request" },
        { """{"actor_token":"@own"}""", 400, "invalid_request" },
        { """{"actor_token_type":"urn:ietf:params:oauth:token-type:access_token"}""", 400, "invalid_request" },
        { """{"actor_token":"@own","actor_token_type":"urn:ietf:params:oauth:token-type:refresh_token"}""", 400, "invalid_request" },
        { """{"actor_token":"@own","actor_token_type":"urn:partner:token"}""", 400, "invalid_request" },
        { """{"actor_token":["@own"],"actor_token_type":"urn:ietf:params:oauth:token-type:access_token"}""", 400, "invalid_request" },
        { """{"audience":null}""", 400, "invalid_request" },
        { """{"audience":["https://events-api.example/"]}""", 400, "invalid_request" },

        // invalid_target: no API that this may be for.
        { """{"audience":"https://unknown.example/"}""", 400, "invalid_target" },
        { """{"audience":"https://EVENTS-api.example/"}""", 400, "invalid_target" },
        { """{"audience":"https://events-api.example"}""", 400, "invalid_target" },
        { """{"audience":"@issapi/v2/"}""", 400, "invalid_target" },
        { """{"audience":"@issuserinfo"}""", 400, "invalid_target" },
        { """{"audience":"@issme/"}""", 400, "invalid_target" },
        { """{"resource":"https://calendar-api.example/"}""", 400, "invalid_target" },
        { """{"audience":null,"resource":"events"}""", 400, "invalid_target" },
        { """{"audience":null,"resource":"https://events-api.example/#x"}""", 400, "invalid_target" },
        { """{"audience":null,"resource":"https://events-api.example/#"}""", 400, "invalid_target" },
        { """{"audience":null,"resource":"https://unknown.example/"}""", 400, "invalid_target" },

        // invalid_scope: nothing of it is to be had.
        { """{"scope":"write:events"}""", 400, "invalid_scope" },
        { """{"scope":"read:calendar\\"}""", 400, "invalid_scope" },
        { """{"scope":"unknown"}""", 400, "invalid_scope" },
        { """{"scope":"offline_access"}""", 400, "invalid_scope" },
        { """{"scope":"READ:calendar"}""", 400, "invalid_scope" },

        // The client.
        { """{"client_secret":"wrong"}""", 401, "invalid_client" },
        { """{"client_id":null}""", 401, "invalid_client" },
    };

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task A_request_that_is_wrong_is_refused_as_the_tables_say(string change, int status, string error)
    {
        var user = await UserAsync();
        var own = await scene.OwnTokenAsync(scene.ApiClient);
        var json = change.Replace("@own", own, StringComparison.Ordinal).Replace("@iss", scene.Vault.Issuer, StringComparison.Ordinal);
        var body = new JsonObject
        {
            ["client_id"] = scene.ApiClient.Credentials.ClientId,
            ["client_secret"] = scene.ApiClient.Credentials.ClientSecret,
            ["grant_type"] = Wire.TokenExchange,
            ["subject_token"] = user.AccessToken,
            ["subject_token_type"] = Wire.AccessTokenType,
            ["audience"] = DelegationScene.Events,
        };
        (await scene.Vault.Api.SendAsync(HttpMethod.Post, "oauth/token", body: body)).ShouldBeExchanged();
        foreach (var (member, value) in JsonNode.Parse(json)!.AsObject())
        {
            body[member] = value?.DeepClone();
        }

        (await scene.Vault.Api.SendAsync(HttpMethod.Post, "oauth/token", body: body)).ShouldBeRefused(status, error);
    }

    [Fact]
    public async Task T_ST_12_what_is_repeated_is_refused()
    {
        var user = await UserAsync();
        var form = $"grant_type={Uri.EscapeDataString(Wire.TokenExchange)}&client_id={scene.ApiClient.Credentials.ClientId}&client_secret={scene.ApiClient.Credentials.ClientSecret}"
            + $"&subject_token={user.AccessToken}&subject_token_type={Uri.EscapeDataString(Wire.AccessTokenType)}&audience={Uri.EscapeDataString(DelegationScene.Events)}";
        (await PostAsync(form)).ShouldBeExchanged();
        foreach (var twice in (string[])["subject_token=x", "actor_token=x&actor_token=y", "audience=" + DelegationScene.Events, "resource=a:b&resource=c:d", "scope=a&scope=a", "subject_token_type=x"])
        {
            (await PostAsync($"{form}&{twice}")).ShouldBeRefused(400, "invalid_request");
        }

        Task<Answer> PostAsync(string body) =>
            scene.SendRawAsync(HttpMethod.Post, "oauth/token", contentType: "application/x-www-form-urlencoded", body: System.Text.Encoding.ASCII.GetBytes(body));
    }

    /// <summary>T-ST-01, T-ST-05, T-ST-06, T-ST-10, T-ST-15: whose and what a token has to be.</summary>
    [Fact]
    public async Task T_ST_05_T_ST_06_only_a_users_own_live_token_of_this_server_is_a_subject()
    {
        var user = await UserAsync();
        var (other, stranger) = await scene.NewAppAsync(DelegationScene.Impersonation());
        var parts = user.AccessToken.Split('.');
        (string What, string Token, string Type)[] wrong =
        [
            ("no token", "garbage", Wire.AccessTokenType),
            ("unsigned", $"{parts[0]}.{parts[1]}.", Wire.AccessTokenType),
            ("spelt otherwise", user.AccessToken + "=", Wire.AccessTokenType),
            ("an ID token as an access token", user.IdToken!, Wire.AccessTokenType),
            ("an access token as an ID token", user.AccessToken, Wire.IdTokenType),
            ("another client's ID token", user.IdToken!, Wire.IdTokenType),
            ("another client's ID token as a JWT", user.IdToken!, Wire.JwtType),
            ("a refresh token", user.RefreshToken, Wire.AccessTokenType),
            ("a client's token", await scene.OwnTokenAsync(scene.ApiClient), Wire.AccessTokenType),
            ("a token for another API", await user.MyTokenAsync(), Wire.AccessTokenType),
            ("another server's", scene.Resign(user.AccessToken, claims => claims["iss"] = "https://other.example/"), Wire.AccessTokenType),
            ("ended", scene.Resign(user.AccessToken, claims => claims["exp"] = DelegationScene.Now(scene.Clock) - 6), Wire.AccessTokenType),
            ("ended within the clocks' difference", scene.Resign(user.AccessToken, claims => claims["exp"] = DelegationScene.Now(scene.Clock)), Wire.AccessTokenType),
            ("without an end", scene.Resign(user.AccessToken, claims => claims.Remove("exp")), Wire.AccessTokenType),
            ("of another type", scene.Resign(user.AccessToken, _ => { }, "logout+jwt"), Wire.AccessTokenType),
            ("act is a text", scene.Resign(user.AccessToken, claims => claims["act"] = "someone"), Wire.AccessTokenType),
            ("act without a subject", scene.Resign(user.AccessToken, claims => claims["act"] = new JsonObject { ["client_id"] = "x" }), Wire.AccessTokenType),
            ("act within act is a list", scene.Resign(user.AccessToken, claims => claims["act"] = JsonNode.Parse("""{"sub":"x","act":[]}""")), Wire.AccessTokenType),
        ];
        foreach (var (what, token, type) in wrong)
        {
            var answer = await DelegationScene.ExchangeAsync(scene.ApiClient, token, more: new JsonObject { ["subject_token_type"] = type });
            (answer.Status, answer["error"]).ShouldBe((400, "invalid_request"), what);
            answer["error_description"]!.ShouldNotContain("claim", Case.Insensitive, what);
        }

        // A token of one application is nothing in the hands of another, whatever that may.
        (await DelegationScene.ExchangeAsync(other, user.AccessToken)).ShouldBeRefused(400, "invalid_request");
        (await DelegationScene.ExchangeAsync(other, stranger.AccessToken)).ShouldBeExchanged();
    }

    [Fact]
    public async Task T_ST_10_an_actor_token_is_the_clients_own_and_live()
    {
        var (app, user) = await scene.NewAppAsync();
        var own = await scene.OwnTokenAsync(app);
        var parts = own.Split('.');
        (string Token, string Type)[] wrong =
        [
            ("garbage", Wire.AccessTokenType), ($"{parts[0]}.{parts[1]}.", Wire.AccessTokenType), (await scene.OwnTokenAsync(scene.ApiClient), Wire.AccessTokenType),
            (own, Wire.IdTokenType), (user.IdToken!, Wire.AccessTokenType), ((await UserAsync()).IdToken!, Wire.IdTokenType), ((await UserAsync()).AccessToken, Wire.JwtType),
            (scene.Resign(own, claims => claims["exp"] = DelegationScene.Now(scene.Clock) - 6), Wire.AccessTokenType), (user.RefreshToken, Wire.JwtType),
        ];
        foreach (var (token, type) in wrong)
        {
            (await DelegationScene.ExchangeAsync(app, user.AccessToken, more: DelegationScene.Actor(token, type))).ShouldBeRefused(400, "invalid_request");
        }

        (await DelegationScene.ExchangeAsync(app, user.AccessToken, more: DelegationScene.Actor(own, Wire.JwtType))).ShouldBeExchanged();
        var helper = await scene.NewUserAsync(app);
        (await (await scene.AdminAsync()).PatchAsync("users/" + Uri.EscapeDataString(helper.Id), new JsonObject { ["blocked"] = true })).Status.ShouldBe(200);
        (await DelegationScene.ExchangeAsync(app, user.AccessToken, more: DelegationScene.Actor(helper.AccessToken))).ShouldBeRefused(400, "invalid_request");
    }

    [Theory]
    [InlineData("""{"grant_types":["authorization_code"]}""")]
    [InlineData("""{"token_endpoint_auth_method":"none"}""")]
    [InlineData("""{"is_first_party":false}""")]
    [InlineData("""{"oidc_conformant":false}""")]
    public async Task T_CA_01_a_client_that_may_not_exchange_is_refused_each_time(string change)
    {
        var (app, user) = await scene.NewAppAsync(DelegationScene.Impersonation());
        (await DelegationScene.ExchangeAsync(app, user.AccessToken)).ShouldBeExchanged();
        (await (await scene.AdminAsync()).PatchAsync("clients/" + app.Credentials.ClientId, JsonNode.Parse(change)!)).Status.ShouldBe(200);
        var caller = change.Contains("none", StringComparison.Ordinal) ? new Application(scene.Vault.Api, app.Credentials with { ClientSecret = null! }) : app;
        (await DelegationScene.ExchangeAsync(caller, user.AccessToken)).ShouldBeRefused(403, "unauthorized_client");
    }

    /// <summary>Each thing behind a token that an administrator takes away, or the user ends, while the token itself has not ended.</summary>
    [Theory]
    [InlineData("user blocked", "invalid_request")]
    [InlineData("user deleted", "invalid_request")]
    [InlineData("application deleted", "invalid_request")]
    [InlineData("application's grant withdrawn", "invalid_request")]
    [InlineData("API deleted", "invalid_request")]
    [InlineData("scope taken from the application's grant", "invalid_scope")]
    [InlineData("target deleted", "invalid_target")]
    [InlineData("target closed", "invalid_target")]
    [InlineData("target asks for consent", "invalid_target")]
    [InlineData("client unlinked", "invalid_request")]
    [InlineData("client deleted", "invalid_client")]
    [InlineData("signing key revoked", "invalid_request")]
    public async Task T_ST_11_what_is_withdrawn_ends_the_next_exchange(string what, string error)
    {
        var withdrawal = await Withdrawal.PrepareAsync(scene);
        (await withdrawal.ExchangeAsync()).ShouldBeExchanged();
        await withdrawal.DoAsync(what);
        (await withdrawal.ExchangeAsync()).ShouldBeRefused(error == "invalid_client" ? 401 : 400, error);
    }

    [Fact]
    public async Task T_CF_09_an_id_token_is_good_for_as_long_as_its_session()
    {
        var (app, user) = await scene.NewAppAsync(DelegationScene.Impersonation());
        var asId = new JsonObject { ["subject_token_type"] = Wire.IdTokenType };
        (await DelegationScene.ExchangeAsync(app, user.IdToken!, more: asId)).ShouldBeExchanged();
        (await (await scene.AdminAsync()).DeleteAsync("sessions/" + Answers.Claims(user.IdToken)["sid"])).Status.ShouldBe(202);
        (await DelegationScene.ExchangeAsync(app, user.IdToken!, more: asId)).ShouldBeRefused(400, "invalid_request");
    }

    [Fact]
    public async Task The_policy_of_a_second_factor_holds_here_too()
    {
        var user = await UserAsync();
        var admin = await scene.AdminAsync();
        await SetAsync("""["all-applications"]""");
        var refused = await DelegationScene.ExchangeAsync(scene.ApiClient, user.AccessToken);
        await SetAsync("[]");
        refused.ShouldBeRefused(401, "mfa_required");
        (await DelegationScene.ExchangeAsync(scene.ApiClient, user.AccessToken)).ShouldBeExchanged();

        async Task SetAsync(string policy) =>
            (await scene.Vault.Api.SendAsync(HttpMethod.Put, "api/v2/guardian/policies", admin.Token, JsonNode.Parse(policy))).Status.ShouldBe(200);
    }

    [Fact]
    public async Task A_refusal_is_in_the_log_with_its_reason_and_without_the_token()
    {
        var user = await UserAsync();
        (await DelegationScene.ExchangeAsync(scene.ApiClient, user.AccessToken, "https://nowhere.example/")).ShouldBeRefused(400, "invalid_target");
        var row = (await scene.AuditAsync("failed_on_behalf_of_token_exchange", user.Id))[^1];
        ((string?)row["client_id"], (string?)row["audience"]).ShouldBe((scene.ApiClient.Credentials.ClientId, "https://nowhere.example/"));
        ((string?)row["description"]).ShouldNotBeNullOrEmpty();
        row.ToJsonString().ShouldNotContain(user.AccessToken.Split('.')[2]);
    }

    private Task<TestUser> UserAsync() => scene.NewUserAsync();
}
