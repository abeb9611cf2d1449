using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;
using TokenVault.Testing;

namespace TokenVault.Tests.Flows.Vault;

public sealed class ExchangeTests(VaultScene scene) : IClassFixture<VaultScene>
{
    [Theory]
    [InlineData(Wire.FederatedAccessTokenType, true)]
    [InlineData(Wire.FederatedAccessTokenType, false)]
    [InlineData(Wire.VaultAccessTokenType, true)]
    [InlineData(Wire.VaultAccessTokenType, false)]
    public async Task An_exchange_answers_exactly_the_members_of_the_contract(string requestedType, bool json)
    {
        var user = await scene.ConnectedUserAsync();
        var provided = scene.Provider.Commits[^1].AccessToken;
        scene.Clock.Advance(TimeSpan.FromSeconds(1000));
        foreach (var (client, token, type) in Forms(user))
        {
            var answer = await SendAsync(client, token, type, requestedType, json);

            answer.Status.ShouldBe(200, answer.Text);
            answer.ContentHeaders.ContentType!.ToString().ShouldBe("application/json");
            answer.Headers.CacheControl!.NoStore.ShouldBeTrue();
            answer.Headers.WwwAuthenticate.ShouldBeEmpty();
            answer.Json.AsObject().Select(m => m.Key).Order(StringComparer.Ordinal)
                .ShouldBe(["access_token", "expires_in", "issued_token_type", "scope", "token_type"]);
            answer["access_token"].ShouldBe(provided);
            answer["token_type"].ShouldBe("Bearer");
            answer["issued_token_type"].ShouldBe(requestedType);
            answer["scope"]!.Split(' ').ShouldBe(VaultScene.CalendarScopes, ignoreOrder: true);
            answer.Json["expires_in"]!.ToJsonString().ShouldBe("2600");
        }
    }

    [Fact]
    public async Task F_19_Expires_in_is_what_is_left_a_whole_number_and_never_below_one()
    {
        var user = await scene.NewUserAsync();
        scene.Provider.Redemption.Next(Fault.NoRefreshToken());
        await user.ConnectAsync();
        foreach (var step in (double[])[0, 0.5, 1800, 1798.7, 0.7])
        {
            scene.Clock.Advance(TimeSpan.FromSeconds(step));
            var answer = await user.ExchangeAsync();
            var left = answer.Json["expires_in"]!.ToJsonString();
            left.ShouldMatch("^[1-9][0-9]*$");
            long.Parse(left, System.Globalization.CultureInfo.InvariantCulture).ShouldBeLessThanOrEqualTo(3600);
        }

        // 0.1 s before the end: one second, not zero.
        (await user.ExchangeAsync()).Json["expires_in"]!.GetValue<int>().ShouldBe(1);
        scene.Clock.Advance(TimeSpan.FromSeconds(0.2));
        (await user.ExchangeAsync()).Status.ShouldBe(401);
    }

    [Fact]
    public async Task Comma_separated_scopes_of_a_provider_become_space_separated()
    {
        await scene.AddConnectionAsync("commas", "oauth2", scene.Provider.OAuth2Options("repo", "user:email"));
        var user = await scene.NewUserAsync();
        scene.Provider.Redemption.Next(Fault.CommaScopes());
        await user.ConnectAsync("commas");

        (await user.ExchangeAsync("commas"))["scope"].ShouldBe("repo user:email");
    }

    [Fact]
    public async Task A_provider_that_names_no_scope_granted_what_was_asked()
    {
        var user = await scene.NewUserAsync();
        scene.Provider.Redemption.Next(Fault.NoScope());
        await user.ConnectAsync();

        (await user.ExchangeAsync())["scope"]!.Split(' ').ShouldBe(VaultScene.CalendarScopes, ignoreOrder: true);
    }

    [Theory]
    [InlineData("sub")]
    [InlineData("email")]
    [InlineData("EMAIL")]
    [InlineData("account")]
    public async Task The_login_hint_chooses_between_accounts(string kind)
    {
        var user = await scene.NewUserAsync();
        var ada = await user.ConnectAsync(person: "ada");
        scene.Clock.Advance(TimeSpan.FromSeconds(1));
        await user.ConnectAsync(person: "grace");
        var hint = kind switch { "sub" => "ada", "email" => "ada@sandbox.example", "EMAIL" => "Ada@Sandbox.Example", _ => (string)ada["id"]! };

        var hinted = await user.ExchangeAsync(more: new JsonObject { ["login_hint"] = hint });
        var latest = await user.ExchangeByAccessTokenAsync();

        scene.Provider.UserOf(hinted["access_token"]!).ShouldBe("ada");
        scene.Provider.UserOf(latest["access_token"]!).ShouldBe("grace");
        var unknown = await user.ExchangeAsync(more: new JsonObject { ["login_hint"] = "nobody" });
        (unknown.Status, unknown["error"], unknown["reason"]).ShouldBe((401, "federated_connection_refresh_token_not_found", "not_connected"));
        unknown["error_description"].ShouldBe("Federated connection Refresh Token not found.");
    }

    [Fact]
    public async Task Trap_26_Without_a_client_id_the_refresh_token_names_the_client_and_the_secret_must_be_its()
    {
        var user = await scene.ConnectedUserAsync();
        var request = new JsonObject
        {
            ["grant_type"] = Wire.FederatedExchange,
            ["client_secret"] = scene.App.Credentials.ClientSecret,
            ["subject_token"] = user.RefreshToken,
            ["subject_token_type"] = Wire.RefreshTokenType,
            ["requested_token_type"] = Wire.FederatedAccessTokenType,
            ["connection"] = VaultScene.Calendar,
        };

        (await PostAsync(request)).Status.ShouldBe(200);
        foreach (var secret in (string?[])[null, "wrong", scene.ApiClient.Credentials.ClientSecret])
        {
            request["client_secret"] = secret;
            Error(await PostAsync(request), 401, "invalid_client");
        }

        request["client_secret"] = scene.ApiClient.Credentials.ClientSecret;
        request["subject_token"] = user.AccessToken;
        request["subject_token_type"] = Wire.AccessTokenType;
        Error(await PostAsync(request), 401, "invalid_client");
        Error(
            await PostAsync(new JsonObject
            {
                ["grant_type"] = Wire.RefreshToken,
                ["refresh_token"] = user.RefreshToken,
                ["client_secret"] = scene.App.Credentials.ClientSecret,
            }),
            401,
            "invalid_client");
    }

    public static TheoryData<string, string?, string> BadRequests { get; } = new()
    {
        { "subject_token", null, "invalid_request" },
        { "subject_token", "", "invalid_request" },
        { "subject_token_type", null, "invalid_request" },
        { "subject_token_type", "urn:ietf:params:oauth:token-type:id_token", "invalid_request" },
        { "subject_token_type", "urn:ietf:params:oauth:token-type:saml2", "invalid_request" },
        { "subject_token_type", "urn:ietf:params:oauth:token-type:REFRESH_TOKEN", "invalid_request" },
        { "requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token", "invalid_request" },
        { "connection", null, "invalid_request" },
        { "connection", "no-such-connection", "invalid_request" },
        { "connection", "CALENDAR", "invalid_request" },
        { "connection", "Username-Password-Authentication", "access_denied" },
        { "scope", "a\"b", "invalid_scope" },
        { "subject_token", "v1.AAAA", "invalid_grant" },
        { "subject_token", "garbage", "invalid_grant" },
        { "grant_type", null, "invalid_request" },
        { "grant_type", "urn:unknown", "unsupported_grant_type" },
        { "client_secret", "wrong", "invalid_client" },
        { "client_id", "unknown", "invalid_client" },
    };

    [Theory]
    [MemberData(nameof(BadRequests))]
    public async Task A_bad_request_gets_its_error_and_no_token_comes_back_in_it(string member, string? value, string error)
    {
        var user = await scene.ConnectedUserAsync();
        var request = Request(scene.App, user.RefreshToken, Wire.RefreshTokenType, Wire.FederatedAccessTokenType);
        request[member] = value;
        var upstream = Upstream();

        var answer = await PostAsync(request);

        answer.Status.ShouldBeInRange(400, 499);
        answer["error"].ShouldBe(error);
        answer.Headers.WwwAuthenticate.ShouldBeEmpty();
        answer.ContentHeaders.ContentType!.ToString().ShouldBe("application/json");
        answer.Text.ShouldNotContain(user.RefreshToken);
        answer.Text.ShouldNotContain(scene.Provider.Commits[^1].AccessToken);
        Upstream().ShouldBe(upstream);
    }

    [Fact]
    public async Task Unknown_members_are_ignored_and_known_ones_must_be_text()
    {
        var user = await scene.ConnectedUserAsync();
        (await user.ExchangeAsync(more: new JsonObject { ["extra"] = new JsonArray(1), ["audience"] = "x" })).Status.ShouldBe(200);
        foreach (var member in (string[])["connection", "login_hint", "scope", "subject_token", "client_secret"])
        {
            foreach (var wrong in (JsonNode[])[1, true, new JsonArray("calendar"), new JsonObject { ["a"] = "b" }])
            {
                Error(await user.ExchangeAsync(more: new JsonObject { [member] = wrong.DeepClone() }), 400, "invalid_request");
            }
        }
    }

    [Fact]
    public async Task T_ST_14_A_token_is_handed_out_only_with_every_scope_that_was_asked_for()
    {
        var user = await scene.ConnectedUserAsync();

        (await user.ExchangeAsync(more: new JsonObject { ["scope"] = "calendar.read" }))["scope"]!.Split(' ').ShouldContain("calendar.read");
        var missing = await user.ExchangeAsync(more: new JsonObject { ["scope"] = "calendar.read calendar.write contacts" });

        (missing.Status, missing["error"], missing["reason"]).ShouldBe((400, "invalid_scope", "insufficient_scope"));
        missing.Json["missing_scopes"]!.AsArray().Select(s => s!.GetValue<string>()).ShouldBe(["calendar.write", "contacts"]);
    }

    [Fact]
    public async Task T_ST_13_No_hint_and_no_name_reaches_another_users_account()
    {
        var owner = await scene.NewUserAsync();
        var account = await owner.ConnectAsync(person: "grace");
        var tokenset = (await scene.AuditAsync("connected_accounts_connection_succeeded", owner.Id)).Count;
        var thief = await scene.NewUserAsync();
        string[] hints = [(string)account["id"]!, "grace", "grace@sandbox.example", owner.Id, owner.Email, "*", "%", "' OR '1'='1", "\n" + owner.Id];
        tokenset.ShouldBe(1);

        foreach (var hint in hints.Concat(Enumerable.Range(0, 200).Select(_ => Identifier.ConnectedAccount())))
        {
            var answer = await thief.ExchangeAsync(more: new JsonObject { ["login_hint"] = hint });
            (answer.Status, answer["reason"]).ShouldBe((401, "not_connected"), hint);
        }

        (await thief.ExchangeAsync("calendar\n" + owner.Id))["error"].ShouldBe("invalid_request");
    }

    private static void Error(Answer answer, int status, string error) => (answer.Status, answer["error"]).ShouldBe((status, error), answer.Text);

    private int Upstream() => scene.Provider.Refresh.Calls + scene.Provider.Redemption.Calls + scene.Provider.Userinfo.Calls;

    private Task<Answer> PostAsync(JsonNode body) => scene.Vault.Api.SendAsync(HttpMethod.Post, "oauth/token", body: body);

    private (Application Client, string Token, string Type)[] Forms(TestUser user) =>
        [(scene.App, user.RefreshToken, Wire.RefreshTokenType), (scene.ApiClient, user.AccessToken, Wire.AccessTokenType)];

    private static JsonObject Request(Application client, string token, string type, string requestedType) => new()
    {
        ["grant_type"] = Wire.FederatedExchange,
        ["client_id"] = client.Credentials.ClientId,
        ["client_secret"] = client.Credentials.ClientSecret,
        ["subject_token"] = token,
        ["subject_token_type"] = type,
        ["requested_token_type"] = requestedType,
        ["connection"] = VaultScene.Calendar,
    };

    private Task<Answer> SendAsync(Application client, string token, string type, string requestedType, bool json)
    {
        var request = Request(client, token, type, requestedType);
        return json
            ? PostAsync(request)
            : scene.Vault.Api.FormAsync("oauth/token", request.ToDictionary(m => m.Key, m => m.Value!.GetValue<string>()));
    }
}
