using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;

namespace TokenVault.Tests.Flows.Vault;

/// <summary>Who may exchange what, asked again at every exchange.</summary>
public sealed class ExchangePolicyTests(VaultScene scene) : IClassFixture<VaultScene>
{
    public static TheoryData<string, string, string> ClientChanges { get; } = new()
    {
        { """{"token_endpoint_auth_method":"none"}""", "unauthorized_client", "a public client" },
        { """{"is_first_party":false}""", "unauthorized_client", "a third party" },
        { """{"oidc_conformant":false}""", "unauthorized_client", "not OIDC-conformant" },
        { """{"grant_types":["authorization_code","refresh_token"]}""", "unauthorized_client", "the grant type taken away" },
    };

    [Theory]
    [MemberData(nameof(ClientChanges))]
    public async Task T_CA_01_A_client_precondition_lost_after_issuance_ends_the_exchange_before_any_upstream_call(
        string change, string error, string what)
    {
        var (app, user) = await OwnApplicationAsync(what);
        (await ExchangeAsync(app, user.RefreshToken)).Status.ShouldBe(200);
        scene.EndAccessTokens();
        var upstream = Upstream();

        (await (await scene.AdminAsync()).PatchAsync("clients/" + app.Credentials.ClientId, JsonNode.Parse(change)!)).Status.ShouldBe(200);
        var isPublic = change.Contains("none", StringComparison.Ordinal);
        var caller = isPublic ? new Application(scene.Vault.Api, app.Credentials with { ClientSecret = null! }) : app;
        var refused = await ExchangeAsync(caller, user.RefreshToken);

        (refused.Status, refused["error"]).ShouldBe((403, error), refused.Text);
        Upstream().ShouldBe(upstream);
        if (isPublic)
        {
            (await ExchangeAsync(app, user.RefreshToken))["error"].ShouldBe("invalid_client");
        }
    }

    [Fact]
    public async Task T_CA_01_A_rotating_refresh_token_is_refused()
    {
        var credentials = await (await scene.AdminAsync()).CreateApplicationAsync("Rotating", new JsonObject
        {
            ["refresh_token"] = new JsonObject { ["rotation_type"] = "rotating", ["expiration_type"] = "expiring" },
        });
        await scene.AddConnectionAsync("rotating", more: credentials);
        var user = await scene.NewUserAsync(new Application(scene.Vault.Api, credentials));

        var refused = await user.ExchangeAsync("rotating");

        (refused.Status, refused["error"], refused["reason"]).ShouldBe((403, "unauthorized_client", "policy_denied"));
        (await user.Application.RefreshAsync(user.RefreshToken)).Status.ShouldBe(200);
    }

    [Fact]
    public async Task T_ST_10_A_refresh_token_works_for_the_client_it_was_issued_to_only()
    {
        var (app, _) = await OwnApplicationAsync("thief");
        var victim = await scene.ConnectedUserAsync();
        var upstream = Upstream();

        foreach (var thief in (Application[])[app, scene.ApiClient])
        {
            var refused = await ExchangeAsync(thief, victim.RefreshToken);
            (refused.Status, refused["error"]).ShouldBe((403, "invalid_grant"));
        }

        Upstream().ShouldBe(upstream);
        (await scene.AuditAsync("feta")).Count(e => (string?)e["client_id"] == app.Credentials.ClientId).ShouldBe(1);
    }

    [Fact]
    public async Task T_ST_06_T_ST_15_An_access_token_is_exchanged_by_the_client_of_its_api_only()
    {
        var user = await scene.ConnectedUserAsync();
        var admin = await scene.AdminAsync();
        var otherApi = new Application(scene.Vault.Api, await admin.CreateApiAsync($"https://other-api.example/{Identifier.Secret()}"));
        await scene.AddConnectionAsync(Name("other-api"), more: otherApi.Credentials);
        (await user.ExchangeByAccessTokenAsync()).Status.ShouldBe(200);
        var upstream = Upstream();

        // The application that got the token stands for no API; another API's client is not its audience.
        Refused(await ByAccessTokenAsync(scene.App, user.AccessToken), 403, "unauthorized_client");
        Refused(await ByAccessTokenAsync(otherApi, user.AccessToken), 401, "invalid_grant");
        Refused(await ByAccessTokenAsync(scene.ApiClient, await user.MyTokenAsync()), 401, "invalid_grant");
        Upstream().ShouldBe(upstream);
    }

    [Fact]
    public async Task T_ST_05_What_is_no_users_access_token_is_refused()
    {
        var user = await scene.ConnectedUserAsync();
        var admin = await scene.AdminAsync();
        var machine = Credentials.Of(await admin.CreateAsync("clients", new JsonObject { ["name"] = "Machine", ["app_type"] = "non_interactive" }));
        await admin.CreateAsync("client-grants", new JsonObject
        {
            ["client_id"] = machine.ClientId,
            ["audience"] = VaultScene.Api,
            ["scope"] = new JsonArray("read:calendar"),
        });
        var machineToken = await new Application(scene.Vault.Api, machine).TokenAsync(
            new JsonObject { ["grant_type"] = Wire.ClientCredentials, ["audience"] = VaultScene.Api });
        machineToken.Status.ShouldBe(200);
        var parts = user.AccessToken.Split('.');
        string[] refused =
        [
            machineToken["access_token"]!, user.IdToken!, user.RefreshToken, admin.Token, "garbage", "a.b.c", $"{parts[0]}.{parts[1]}.",
            $"{parts[0]}.{parts[1]}.{parts[2]}=", $"{parts[0]}..{parts[2]}", user.AccessToken + " ",
        ];

        foreach (var token in refused)
        {
            Refused(await ByAccessTokenAsync(scene.ApiClient, token), 401, "invalid_grant");
        }

        // As a refresh token, an access token is none.
        Refused(await ExchangeAsync(scene.App, user.AccessToken), 403, "invalid_grant");
    }

    [Fact]
    public async Task An_ended_access_token_is_refused()
    {
        var user = await scene.ConnectedUserAsync();
        scene.Clock.Jump(TimeSpan.FromDays(2));

        Refused(await user.ExchangeByAccessTokenAsync(), 401, "invalid_grant");
        (await user.ExchangeAsync()).Status.ShouldBe(200);
    }

    [Theory]
    [InlineData("user blocked", 403, "access_denied")]
    [InlineData("user deleted", 403, "invalid_grant")]
    [InlineData("client deleted", 401, "invalid_client")]
    [InlineData("connection not for the client", 403, "access_denied")]
    [InlineData("connection inactive", 403, "access_denied")]
    [InlineData("connection deleted", 400, "invalid_request")]
    [InlineData("token revoked", 403, "invalid_grant")]
    [InlineData("account disconnected", 401, "federated_connection_refresh_token_not_found")]
    public async Task T_ST_11_What_an_administrator_withdraws_ends_the_next_exchange(string what, int status, string error)
    {
        var (app, user) = await OwnApplicationAsync(what);
        (await ExchangeAsync(app, user.RefreshToken, Name(what))).Status.ShouldBe(200);
        scene.EndAccessTokens();
        var upstream = Upstream();

        await WithdrawAsync(what, app, user);

        Refused(await ExchangeAsync(app, user.RefreshToken, Name(what)), status, error);
        Upstream().ShouldBe(upstream);
    }

    [Theory]
    [InlineData("user blocked", 403, "access_denied")]
    [InlineData("user deleted", 403, "invalid_grant")]
    [InlineData("client deleted", 401, "invalid_grant")]
    [InlineData("API client deleted", 401, "invalid_client")]
    [InlineData("API deleted", 403, "unauthorized_client")]
    [InlineData("API client unlinked", 403, "unauthorized_client")]
    [InlineData("grant withdrawn", 401, "invalid_grant")]
    public async Task T_ST_11_The_same_holds_for_an_access_token_that_has_not_ended(string what, int status, string error)
    {
        var admin = await scene.AdminAsync();
        var api = $"https://api.example/{Identifier.Secret()}";
        var apiClient = new Application(scene.Vault.Api, await admin.CreateApiAsync(api));
        var apiId = await ApiIdAsync(admin, api);
        var strict = JsonNode.Parse("""{"subject_type_authorization":{"user":{"policy":"require_client_grant"}}}""")!;
        (await admin.PatchAsync("resource-servers/" + apiId, strict)).Status.ShouldBe(200);
        var (app, user) = await OwnApplicationAsync(what + " (access token)", apiClient);
        var grant = await admin.CreateAsync("client-grants", new JsonObject
        {
            ["client_id"] = app.Credentials.ClientId,
            ["audience"] = api,
            ["scope"] = new JsonArray("read:calendar"),
            ["subject_type"] = "user",
        });
        var token = (await app.SignInAsync(user.Browser, user.Email, user.Password, api, "openid read:calendar"))["access_token"]!;
        (await ByAccessTokenAsync(apiClient, token, Name(what + " (access token)"))).Status.ShouldBe(200);

        switch (what)
        {
            case "API client deleted":
                (await admin.DeleteAsync("clients/" + apiClient.Credentials.ClientId)).Status.ShouldBe(204);
                break;
            case "API deleted":
                (await admin.DeleteAsync("resource-servers/" + apiId)).Status.ShouldBe(204);
                break;
            case "API client unlinked":
                var unlinked = new JsonObject { ["resource_server_identifier"] = null };
                (await admin.PatchAsync("clients/" + apiClient.Credentials.ClientId, unlinked)).Status.ShouldBe(200);
                break;
            case "grant withdrawn":
                (await admin.DeleteAsync("client-grants/" + grant["id"])).Status.ShouldBe(204);
                break;
            default:
                await WithdrawAsync(what, app, user);
                break;
        }

        Refused(await ByAccessTokenAsync(apiClient, token, Name(what + " (access token)")), status, error);
    }

    [Fact]
    public async Task A_new_user_of_a_deleted_users_address_has_none_of_their_accounts()
    {
        var former = await scene.ConnectedUserAsync();
        var admin = await scene.AdminAsync();
        (await admin.DeleteAsync("users/" + Uri.EscapeDataString(former.Id))).Status.ShouldBe(204);
        var id = await admin.CreateUserAsync(former.Email, former.Password);
        var successor = new TestUser(scene, scene.App, id, former.Email, former.Password, scene.Vault.NewBrowser());
        await successor.SignInAsync();

        (await successor.ExchangeAsync())["reason"].ShouldBe("not_connected");
        (await admin.GetAsync($"users/{Uri.EscapeDataString(id)}/connected-accounts")).Json["connected_accounts"]!.AsArray().ShouldBeEmpty();
    }

    /// <summary>An application, a connection and a connected user of the test's own, to be broken.</summary>
    private async Task<(Application App, TestUser User)> OwnApplicationAsync(string what, Application? also = null)
    {
        var credentials = await (await scene.AdminAsync()).CreateApplicationAsync(what);
        await scene.AddConnectionAsync(Name(what), more: also is null ? [credentials] : [credentials, also.Credentials]);
        var app = new Application(scene.Vault.Api, credentials);
        var user = await scene.NewUserAsync(app);
        await user.ConnectAsync(Name(what));
        _connections[credentials.ClientId] = Name(what);
        return (app, user);
    }

    private async Task WithdrawAsync(string what, Application app, TestUser user)
    {
        var admin = await scene.AdminAsync();
        var connections = (await admin.GetAsync("connections")).Json.AsArray();
        var connection = (string?)connections.FirstOrDefault(c => (string?)c!["name"] == Name(what))?["id"];
        var path = what switch
        {
            "user blocked" or "user deleted" => "users/" + Uri.EscapeDataString(user.Id),
            "client deleted" => "clients/" + app.Credentials.ClientId,
            "connection not for the client" => $"connections/{connection}/clients",
            _ => "connections/" + connection,
        };
        var answer = what switch
        {
            "user blocked" => await admin.PatchAsync(path, new JsonObject { ["blocked"] = true }),
            "connection not for the client" => await admin.PatchAsync(
                path, new JsonArray(new JsonObject { ["client_id"] = app.Credentials.ClientId, ["status"] = false })),
            "connection inactive" => await admin.PatchAsync(path, JsonNode.Parse("""{"connected_accounts":{"active":false}}""")!),
            "token revoked" => await scene.Vault.Api.SendAsync(HttpMethod.Post, "oauth/revoke", body: new JsonObject
            {
                ["client_id"] = app.Credentials.ClientId,
                ["client_secret"] = app.Credentials.ClientSecret,
                ["token"] = user.RefreshToken,
            }),
            "account disconnected" => await DisconnectAsync(user),
            _ => await admin.DeleteAsync(path),
        };
        answer.Status.ShouldBeOneOf(200, 204);
    }

    private static async Task<Answer> DisconnectAsync(TestUser user)
    {
        var token = await user.MyTokenAsync();
        var account = (await user.MyAsync(HttpMethod.Get, VaultScene.Accounts, token)).Json["accounts"]![0]!["id"];
        return await user.MyAsync(HttpMethod.Delete, $"{VaultScene.Accounts}/{account}", token);
    }

    private static async Task<string> ApiIdAsync(Operator admin, string identifier) =>
        (string)(await admin.GetAsync("resource-servers?identifier=" + Uri.EscapeDataString(identifier))).Json[0]!["id"]!;

    private readonly Dictionary<string, string> _connections = new(StringComparer.Ordinal);

    private static string Name(string what) => new([.. what.Where(char.IsAsciiLetterOrDigit)]);

    private Task<Answer> ExchangeAsync(Application app, string token, string? connection = null) =>
        app.ExchangeAsync(token, Wire.RefreshTokenType, connection ?? _connections.GetValueOrDefault(app.Credentials.ClientId, VaultScene.Calendar));

    private static Task<Answer> ByAccessTokenAsync(Application app, string token, string connection = VaultScene.Calendar) =>
        app.ExchangeAsync(token, Wire.AccessTokenType, connection);

    private int Upstream() => scene.Provider.Refresh.Calls + scene.Provider.Redemption.Calls + scene.Provider.Userinfo.Calls;

    private static void Refused(Answer answer, int status, string error) => (answer.Status, answer["error"]).ShouldBe((status, error), answer.Text);
}
