using System.Buffers.Text;
using System.Text;
using System.Text.Json.Nodes;
using TokenVault.Server.Connections;
using TokenVault.Server.Demo;
using TokenVault.Server.Storage;
using TokenVault.Server.Tokensets;
using TokenVault.Testing;
using TokenVault.Tests.Flows.SignIn;

namespace TokenVault.Tests.Flows.Vault;

/// <summary>A connection that proves itself to its provider by a key of its own (private_key_jwt), and who might make use of what it shows.</summary>
public sealed class ProviderAssertionTests(VaultScene scene) : IClassFixture<VaultScene>
{
    [Theory]
    [InlineData(null)]
    [InlineData("RS384")]
    [InlineData("PS256")]
    [InlineData("ES256")]
    [InlineData("ES384")]
    public async Task T_UP_05_A_code_a_refresh_and_a_revocation_go_with_an_assertion_for_the_issuer_alone_and_never_twice(string? alg)
    {
        await using var provider = await FakeProvider.StartAsync(time: scene.Clock);
        var (name, id) = await NewAsync(provider, options => options["token_endpoint_auth_signing_alg"] = alg);
        var assertions = provider.RequireAssertions(scene.Clock, [.. await KeysAsync(id)]);
        var user = await scene.ConnectedUserAsync(name);
        scene.EndAccessTokens();
        var exchanged = await user.ExchangeAsync(name);
        exchanged.Status.ShouldBe(200, exchanged.Text);
        var account = (await user.MyAsync(HttpMethod.Get, VaultScene.Accounts, await user.MyTokenAsync())).Json["accounts"]![0]!["id"];
        (await user.MyAsync(HttpMethod.Delete, $"{VaultScene.Accounts}/{account}", await user.MyTokenAsync())).Status.ShouldBe(204);
        await VaultScene.UntilAsync(async () => (await scene.Storage.ListAllAsync<PendingRevocation>(PendingRevocation.OfUser(user.Id), default))
            .SingleOrDefault()?.State == RevocationState.Revoked);

        var shown = assertions.Shown.ToList();
        shown.Count.ShouldBe(3);
        shown.ShouldAllBe(one => one.Problem == null);
        shown.Select(one => (string?)Claims(one.Assertion)["jti"]).Distinct().Count().ShouldBe(3);
        foreach (var claims in shown.Select(one => Claims(one.Assertion)))
        {
            claims["aud"]!.GetValue<string>().ShouldBe(provider.Issuer);
            ((long)claims["exp"]! - (long)claims["iat"]!).ShouldBe(60);
        }
    }

    [Fact]
    public async Task T_UP_05_What_an_attackers_server_is_shown_is_not_valid_at_the_honest_one()
    {
        await using var honest = await FakeProvider.StartAsync(time: scene.Clock);
        await using var attackers = await FakeProvider.StartAsync(time: scene.Clock);
        var (name, id) = await NewAsync(attackers);
        var seen = attackers.RequireAssertions(scene.Clock);

        // Even if somebody had registered this very key at the honest server.
        var judged = honest.RequireAssertions(scene.Clock, [.. await KeysAsync(id)]);
        await CodeRefusedAsync(name);

        await PresentAsync(honest, seen.Shown.ShouldHaveSingleItem().Assertion);
        judged.Shown.ShouldHaveSingleItem().Problem.ShouldBe("another audience");
    }

    [Fact]
    public async Task T_UP_05_A_connection_that_is_pointed_at_another_host_shows_it_no_key_that_the_former_one_trusts()
    {
        await using var honest = await FakeProvider.StartAsync(time: scene.Clock);
        await using var attackers = await FakeProvider.StartAsync(time: scene.Clock);
        var (name, id) = await NewAsync(honest);
        var judged = honest.RequireAssertions(scene.Clock, [.. await KeysAsync(id)]);
        var options = Options(honest);
        options["token_endpoint"] = attackers.Sandbox.TokenUrl;
        (await (await scene.AdminAsync()).PatchAsync("connections/" + id, new JsonObject { ["options"] = options })).Status.ShouldBe(200);
        var seen = attackers.RequireAssertions(scene.Clock);
        await CodeRefusedAsync(name);

        var shown = seen.Shown.ShouldHaveSingleItem().Assertion;
        ((string?)Claims(shown)["aud"]).ShouldBe(honest.Issuer);
        await PresentAsync(honest, shown);
        judged.Shown.ShouldHaveSingleItem().Problem.ShouldBe("an unknown key");
    }

    [Fact]
    public async Task T_UP_05_Each_connection_has_keys_of_its_own_and_they_are_sealed_to_it()
    {
        var (_, one) = await NewAsync(scene.Provider);
        var (_, other) = await NewAsync(scene.Provider);
        var keys = (await KeysAsync(one)).Concat(await KeysAsync(other)).ToList();
        keys.Select(key => (string?)key["kid"]).Distinct().Count().ShouldBe(4);
        keys.ShouldAllBe(key => key["d"] == null);

        var stored = (await scene.Storage.FindAsync<Connection>(one, default))!;
        var ring = scene.Vault.Service<Server.Keys.KeyRing>();
        stored.Key!.Open(ring, one).Kid.ShouldBe((string?)keys[0]["kid"]);
        Should.Throw<Server.Keys.BrokenSealException>(() => stored.Key.Open(ring, other));
        Should.Throw<Server.Keys.BrokenSealException>(() => (stored.Key with { Alg = "PS256" }).Open(ring, one));
        var read = (await (await scene.AdminAsync()).GetAsync("connections/" + one)).Text;
        read.ShouldNotContain(Convert.ToBase64String(stored.Key.SealedPrivateKey)[..40]);
        read.ShouldNotContain("BEGIN");
    }

    [Fact]
    public async Task The_next_key_is_known_before_it_signs()
    {
        await using var provider = await FakeProvider.StartAsync(time: scene.Clock);
        var (name, id) = await NewAsync(provider);
        var before = await KeysAsync(id);
        var assertions = provider.RequireAssertions(scene.Clock, [.. before]);
        var rotated = await PostAsync(id, "/rotate");
        rotated.Status.ShouldBe(201, rotated.Text);
        var after = await KeysAsync(id);

        ((string?)after[0]["kid"]).ShouldBe((string?)before[1]["kid"]);
        before.Select(key => (string?)key["kid"]).ShouldNotContain((string?)after[1]["kid"]);
        await scene.ConnectedUserAsync(name);
        assertions.Shown.ShouldHaveSingleItem().Problem.ShouldBeNull();
    }

    [Fact]
    public async Task Keys_can_be_made_before_the_connection_uses_them_and_outlast_a_change_of_its_options()
    {
        var name = await scene.NewConnectionAsync();
        var id = (await scene.Storage.FindByKeyAsync<Connection>("name", name, default))!.Id;
        (await KeysAsync(id)).ShouldBeEmpty();
        (await PostAsync(id, "", new JsonObject { ["signing_alg"] = "ES256" })).Status.ShouldBe(201);
        (await PostAsync(id, "")).Status.ShouldBe(409);
        (await PostAsync(id, "/rotate", new JsonObject { ["signing_alg"] = "RS256" })).Status.ShouldBe(400);
        var made = await KeysAsync(id);

        var options = Options(scene.Provider);
        (await (await scene.AdminAsync()).PatchAsync("connections/" + id, new JsonObject { ["options"] = options.DeepClone() })).Status.ShouldBe(200);
        JsonNode.DeepEquals(new JsonArray([.. await KeysAsync(id)]), new JsonArray([.. made])).ShouldBeTrue();

        options["token_endpoint_auth_signing_alg"] = "RS256";
        (await (await scene.AdminAsync()).PatchAsync("connections/" + id, new JsonObject { ["options"] = options })).Status.ShouldBe(200);
        (await KeysAsync(id)).ShouldAllBe(key => (string?)key["alg"] == "RS256");
    }

    [Theory]
    [InlineData("oauth2", """{"client_id":"c","authorizationURL":"https://idp.example/a","tokenURL":"https://idp.example/t","token_endpoint_auth_method":"private_key_jwt"}""")]
    [InlineData("waad", """{"client_id":"c","token_endpoint_auth_method":"private_key_jwt"}""")]
    [InlineData("oidc", """{"client_id":"c","issuer":"https://idp.example","token_endpoint_auth_method":"private_key_jwt","token_endpoint_auth_signing_alg":"HS256"}""")]
    [InlineData("oidc", """{"client_id":"c","issuer":"https://idp.example","token_endpoint_auth_method":"private_key_jwt","token_endpoint_jwtca_aud_format":"token_endpoint"}""")]
    public async Task T_UP_05_Without_one_issuer_to_address_there_is_no_assertion(string strategy, string options)
    {
        var answer = await scene.Vault.Api.SendAsync(HttpMethod.Post, "api/v2/connections", (await scene.AdminAsync()).Token, new JsonObject
        {
            ["name"] = "none-" + strategy,
            ["strategy"] = strategy,
            ["options"] = JsonNode.Parse(options),
        });

        answer.Status.ShouldBe(400, answer.Text);
    }

    private static JsonObject Options(FakeProvider provider)
    {
        var options = provider.OidcOptions(VaultScene.CalendarScopes);
        options.Remove("client_secret");
        options["token_endpoint_auth_method"] = "private_key_jwt";
        return options;
    }

    private async Task<(string Name, string Id)> NewAsync(FakeProvider provider, Action<JsonObject>? change = null)
    {
        var name = "keyed-" + Server.Protocol.Identifier.Client().ToLowerInvariant();
        var options = Options(provider);
        change?.Invoke(options);
        return (name, (string)(await scene.AddConnectionAsync(name, "oidc", options))["id"]!);
    }

    /// <summary>As the operator registers them at the provider.</summary>
    private async Task<List<JsonNode>> KeysAsync(string id)
    {
        var answer = await (await scene.AdminAsync()).GetAsync($"connections/{id}/keys");
        answer.Status.ShouldBe(200, answer.Text);
        return [.. answer.Json.AsArray().Select(key => key!["jwk"]!.DeepClone())];
    }

    private async Task<Answer> PostAsync(string id, string path, JsonObject? body = null) =>
        await scene.Vault.Api.SendAsync(HttpMethod.Post, $"api/v2/connections/{id}/keys{path}", (await scene.AdminAsync()).Token, body);

    /// <summary>A user goes as far as the redemption, which the server that gets the code refuses.</summary>
    private async Task CodeRefusedAsync(string connection)
    {
        using var browser = scene.Vault.NewBrowser();
        (await scene.AuthorizeAsync(browser, connection)).Visit["error"].ShouldNotBeNull();
    }

    /// <summary>What the attacker does with what they saw.</summary>
    private static async Task PresentAsync(FakeProvider honest, string assertion)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using var form = new FormUrlEncodedContent(new Dictionary<string, string>
        {
            ["grant_type"] = "authorization_code",
            ["code"] = "stolen",
            ["client_id"] = honest.ClientId,
            ["client_assertion_type"] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            ["client_assertion"] = assertion,
        });
        using var answer = await http.PostAsync(new Uri(honest.Sandbox.TokenUrl), form);
        answer.StatusCode.ShouldBe(System.Net.HttpStatusCode.Unauthorized);
    }

    private static JsonNode Claims(string assertion) => JsonNode.Parse(Encoding.UTF8.GetString(Base64Url.DecodeFromChars(assertion.Split('.')[1])))!;
}
