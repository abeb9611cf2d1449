using System.Text;
using System.Text.Json.Nodes;
using TokenVault.Server.Connections;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Tests.Management;

public class ConnectionTests
{
    private const string Secret = "upstream-secret-that-must-not-show";

    private const string Options = """
        {"client_id":"up","client_secret":"upstream-secret-that-must-not-show","scope":"read write","authorizationURL":"https://idp.example/authorize",
         "tokenURL":"https://idp.example/token","userInfoURL":"https://idp.example/me","revocationURL":"https://idp.example/revoke",
         "token_endpoint_auth_method":"client_secret_basic","pkce":true,"upstream_params":{"access_type":{"value":"offline"},"hint":{"alias":"login_hint"}}}
        """;

    [Fact]
    public async Task A_custom_connection_is_read_back_without_its_secret()
    {
        var host = await ManagementHost.SharedAsync();
        var name = NewName();
        var connection = await CreateAsync(host, name);
        ((string)connection["id"]!).ShouldMatch("^con_[0-9A-Za-z]{16}$");
        ((string?)connection["callback_url"]).ShouldBe($"{host.Issuer}login/callback/{name}");
        connection.ToJsonString().ShouldNotContain(Secret);

        var read = (await host.SendAsync("GET", "/connections/" + connection["id"])).Body!;
        read.ToJsonString().ShouldNotContain(Secret);
        ((string?)read["options"]!["scope"]).ShouldBe("read write");
        ((string?)read["options"]!["tokenURL"]).ShouldBe("https://idp.example/token");
        ((bool)read["connected_accounts"]!["active"]!).ShouldBeFalse();
        ((bool)read["options"]!["connected_accounts"]!["active"]!).ShouldBeFalse();
        read["realms"]!.ToJsonString().ShouldBe($"[\"{name}\"]");
    }

    [Fact]
    public async Task T_EN_02_the_stored_secret_is_sealed_to_its_connection()
    {
        var host = await ManagementHost.SharedAsync();
        var connection = await CreateAsync(host, NewName());
        var entity = (await host.Storage.FindAsync("connection", (string)connection["id"]!, default)).ShouldNotBeNull();
        Encoding.UTF8.GetString(entity.Body).ShouldNotContain(Secret);
        var stored = entity.ToRecord<Connection>();
        ConnectionSecret.Open(host.Ring, stored)!.Reveal().ShouldBe(Secret);
        Should.Throw<BrokenSealException>(() => ConnectionSecret.Open(host.Ring, stored with { Id = "con_other" }));
        foreach (var row in await host.AuditAsync())
        {
            row.GetRawText().ShouldNotContain(Secret);
        }
    }

    [Theory]
    [InlineData(null, true)]
    [InlineData("\"********\"", true)]
    [InlineData("\"[REDACTED]\"", true)]
    [InlineData("\"\"", true)]
    [InlineData("\"another-secret\"", false)]
    [InlineData("null", false)]
    public async Task A_patch_replaces_the_options_but_keeps_a_secret_that_is_missing_or_masked(string? sent, bool kept)
    {
        var host = await ManagementHost.SharedAsync();
        var connection = await CreateAsync(host, NewName());
        var secret = sent is null ? "" : $",\"client_secret\":{sent}";
        var reply = await host.SendAsync(
            "PATCH", "/connections/" + connection["id"], $$$"""{"options":{"client_id":"new","authorizationURL":"https://idp.example/a","tokenURL":"https://idp.example/t"{{{secret}}}}}""");
        reply.Status.ShouldBe(200, reply.Body?.ToJsonString());
        var options = reply.Body!["options"]!.AsObject();
        ((string?)options["client_id"]).ShouldBe("new");
        options.ContainsKey("scope").ShouldBeFalse();
        options.ContainsKey("upstream_params").ShouldBeFalse();

        var stored = (await host.Storage.FindAsync<Connection>((string)connection["id"]!, default)).ShouldNotBeNull();
        (ConnectionSecret.Open(host.Ring, stored)?.Reveal() == Secret).ShouldBe(kept);
        (stored.Options.SealedClientSecret is null).ShouldBe(sent == "null");
    }

    [Fact]
    public async Task Everything_a_read_shows_is_accepted_back_and_changes_nothing()
    {
        var host = await ManagementHost.SharedAsync();
        var client = await host.CreateClientAsync();
        var connection = await host.CreateAsync(
            "/connections",
            $$$"""{"name":"{{{NewName()}}}","strategy":"oauth2","display_name":"Mine","metadata":{"a":"b"},"connected_accounts":{"active":true},"enabled_clients":["{{{client["client_id"]}}}"],"options":{{{Options}}}}""");
        var reply = await host.SendAsync("PATCH", "/connections/" + connection["id"], connection.ToJsonString());
        reply.Status.ShouldBe(200, reply.Body?.ToJsonString());
        JsonNode.DeepEquals(reply.Body, connection).ShouldBeTrue();
        var stored = await host.Storage.FindAsync<Connection>((string)connection["id"]!, default);
        ConnectionSecret.Open(host.Ring, stored!)!.Reveal().ShouldBe(Secret);
    }

    [Theory]
    [InlineData("""{"connected_accounts":{"active":true}}""")]
    [InlineData("""{"options":{"connected_accounts":{"active":true}}}""")]
    [InlineData("""{"options":{"federated_connections_access_tokens":{"active":true}}}""")]
    [InlineData("""{"connected_accounts":{"active":true},"options":{"connected_accounts":{"active":false}}}""")]
    public async Task Connected_accounts_are_switched_on_at_either_place_and_shown_at_both(string patch)
    {
        var host = await ManagementHost.SharedAsync();
        var connection = await host.CreateAsync("/connections", $$"""{"name":"{{NewName()}}","strategy":"google-oauth2"}""");
        var body = (await host.SendAsync("PATCH", "/connections/" + connection["id"], patch)).Body!;
        ((bool)body["connected_accounts"]!["active"]!).ShouldBeTrue();
        ((bool)body["options"]!["connected_accounts"]!["active"]!).ShouldBeTrue();
        var untouched = (await host.SendAsync("PATCH", "/connections/" + connection["id"], """{"options":{"client_id":"x"}}""")).Body!;
        ((bool)untouched["connected_accounts"]!["active"]!).ShouldBeTrue();
    }

    [Theory]
    [InlineData("\"a b\"", "[\"a\",\"b\"]")]
    [InlineData("\"a,b\"", "[\"a\",\"b\"]")]
    [InlineData("[\"a\",\"b\"]", "[\"a\",\"b\"]")]
    [InlineData("\"\"", "[]")]
    public async Task Scopes_come_as_a_text_or_a_list(string scope, string stored)
    {
        var host = await ManagementHost.SharedAsync();
        var connection = await host.CreateAsync("/connections", $$$"""{"name":"{{{NewName()}}}","strategy":"google-oauth2","options":{"scope":{{{scope}}}}}""");
        connection["options"]!["scope"]!.ToJsonString().ShouldBe(stored);
    }

    [Theory]
    [InlineData("google-oauth2", """["email","a:b"]""")]
    [InlineData("facebook", "\"email,a:b\"")]
    public async Task Scopes_are_shown_in_the_form_that_typed_tools_read_of_the_strategy(string strategy, string shown)
    {
        var host = await ManagementHost.SharedAsync();
        var connection = await host.CreateAsync("/connections", $$$"""{"name":"{{{NewName()}}}","strategy":"{{{strategy}}}","options":{"scope":["email","a:b"]}}""");
        connection["options"]!["scope"]!.ToJsonString().ShouldBe(shown);
        var echo = new JsonObject { ["options"] = connection["options"]!.DeepClone() };
        (await host.SendAsync("PATCH", "/connections/" + connection["id"], echo.ToJsonString())).Body!["options"]!["scope"]!.ToJsonString().ShouldBe(shown);
    }

    [Theory]
    [InlineData("""{"strategy":"oauth2"}""", "name")]
    [InlineData("""{"name":"x"}""", "strategy")]
    [InlineData("""{"name":"x","strategy":"auth0"}""", "strategy")]
    [InlineData("""{"name":"x","strategy":"nothing"}""", "strategy")]
    [InlineData("""{"name":"x/y","strategy":"google-oauth2"}""", "name")]
    [InlineData("""{"name":"x\"y","strategy":"google-oauth2","realms":["x"]}""", "name")]
    [InlineData("""{"name":"-x","strategy":"google-oauth2"}""", "name")]
    [InlineData("""{"name":"x","strategy":"google-oauth2","id":"con_1"}""", "id")]
    [InlineData("""{"name":"x","strategy":"oauth2"}""", "authorizationURL")]
    [InlineData("""{"name":"x","strategy":"oauth2","options":{"authorizationURL":"https://idp.example/a"}}""", "tokenURL")]
    [InlineData("""{"name":"x","strategy":"oidc","options":{"client_id":"x"}}""", "discovery_url")]
    [InlineData("""{"name":"x","strategy":"google-oauth2","options":{"scripts":{"fetchUserProfile":"x"}}}""", "scripts")]
    [InlineData("""{"name":"x","strategy":"google-oauth2","options":{"sealed_client_secret":"AAAA"}}""", "sealed_client_secret")]
    [InlineData("""{"name":"x","strategy":"google-oauth2","options":{"scope":["a b"]}}""", "scope")]
    [InlineData("""{"name":"x","strategy":"google-oauth2","options":{"scope":1}}""", "scope")]
    [InlineData("""{"name":"x","strategy":"google-oauth2","options":{"pkce":"yes"}}""", "pkce")]
    [InlineData("""{"name":"x","strategy":"google-oauth2","options":{"token_endpoint_auth_method":"none"}}""", "token_endpoint_auth_method")]
    [InlineData("""{"name":"x","strategy":"google-oauth2","options":{"upstream_params":{"state":{"value":"x"}}}}""", "upstream_params")]
    [InlineData("""{"name":"x","strategy":"google-oauth2","options":{"upstream_params":{"redirect_uri":{"value":"x"}}}}""", "upstream_params")]
    [InlineData("""{"name":"x","strategy":"google-oauth2","options":{"upstream_params":{"p":"x"}}}""", "upstream_params")]
    [InlineData("""{"name":"x","strategy":"google-oauth2","options":{"upstream_params":{"p":{"alias":"password"}}}}""", "upstream_params")]
    [InlineData("""{"name":"x","strategy":"google-oauth2","enabled_clients":["nobody"]}""", "enabled_clients")]
    public async Task A_bad_body_is_refused_by_name(string json, string property)
    {
        var host = await ManagementHost.SharedAsync();
        var reply = await host.SendAsync("POST", "/connections", json);
        (reply.Status, reply.ErrorCode).ShouldBe((400, "invalid_body"), reply.Message);
        reply.Message.ShouldNotBeNull().ShouldContain(property);
    }

    [Theory]
    [InlineData("http://idp.example/token")]
    [InlineData("javascript:alert(1)")]
    [InlineData("file:///etc/passwd")]
    [InlineData("https://user@idp.example/token")]
    [InlineData("https://idp.example/token#x")]
    [InlineData("http://127.1/token")]
    [InlineData("http://10.0.0.1/token")]
    [InlineData("http://128.0.0.1/token")]
    public async Task T_MG_05_endpoints_are_https_or_on_this_machine(string url)
    {
        var host = await ManagementHost.SharedAsync();
        foreach (var member in (string[])["authorizationURL", "tokenURL", "userInfoURL", "revocationURL", "discovery_url", "issuer"])
        {
            var reply = await host.SendAsync("POST", "/connections", $$$"""{"name":"{{{NewName()}}}","strategy":"google-oauth2","options":{"{{{member}}}":"{{{url}}}"}}""");
            reply.Status.ShouldBe(400);
            reply.Message.ShouldNotBeNull().ShouldContain(member);
        }

        foreach (var here in (string[])["http://127.0.0.1:9/token", "http://127.29.3.4:9/token", "http://[::1]:9/token", "http://localhost:9/token"])
        {
            await host.CreateAsync("/connections", $$$"""{"name":"{{{NewName()}}}","strategy":"google-oauth2","options":{"tokenURL":"{{{here}}}"}}""");
        }
    }

    [Theory]
    [InlineData("name", "\"other\"")]
    [InlineData("strategy", "\"github\"")]
    [InlineData("id", "\"con_other\"")]
    [InlineData("callback_url", "\"https://evil.example/\"")]
    [InlineData("realms", "[\"other\"]")]
    public async Task What_a_connection_is_cannot_be_changed(string member, string value)
    {
        var host = await ManagementHost.SharedAsync();
        var connection = await CreateAsync(host, NewName());
        (await host.SendAsync("PATCH", "/connections/" + connection["id"], $$"""{"{{member}}":{{value}}}""")).ErrorCode.ShouldBe("invalid_body");
    }

    [Fact]
    public async Task A_name_is_given_once()
    {
        var host = await ManagementHost.SharedAsync();
        var name = NewName();
        var connection = await CreateAsync(host, name);
        var reply = await host.SendAsync("POST", "/connections", $$"""{"name":"{{name}}","strategy":"github"}""");
        (reply.Status, reply.ErrorCode).ShouldBe((409, "conflict"));
        (await host.SendAsync("GET", "/connections?name=" + name)).Body!.AsArray().Count.ShouldBe(1);
        (await host.SendAsync("GET", $"/connections?name={name}&strategy=github&strategy=oidc")).Body!.AsArray().ShouldBeEmpty();
        (await host.SendAsync("DELETE", "/connections/" + connection["id"])).Status.ShouldBe(204);
        (await host.SendAsync("GET", "/connections/" + connection["id"])).ErrorCode.ShouldBe("inexistent_connection");
    }

    [Fact]
    public async Task The_local_users_connection_is_there_and_stays()
    {
        var host = await ManagementHost.SharedAsync();
        var connection = (await host.SendAsync("GET", "/connections?name=" + Wire.DatabaseConnection)).Body!.AsArray().ShouldHaveSingleItem()!;
        ((string?)connection["strategy"]).ShouldBe("auth0");
        var path = "/connections/" + connection["id"];
        (await host.SendAsync("DELETE", path)).Status.ShouldBe(403);
        (await host.SendAsync("PATCH", path, """{"connected_accounts":{"active":true}}""")).Status.ShouldBe(400);
        (await host.SendAsync("PATCH", path, """{"options":{"tokenURL":"https://idp.example/t"}}""")).Status.ShouldBe(400);
        (await host.SendAsync("PATCH", path, connection.ToJsonString())).Status.ShouldBe(200);
    }

    [Fact]
    public async Task Clients_are_switched_on_and_off_and_seen_from_both_sides()
    {
        var host = await ManagementHost.SharedAsync();
        var connection = await CreateAsync(host, NewName());
        var first = (string)(await host.CreateClientAsync())["client_id"]!;
        var second = (string)(await host.CreateClientAsync())["client_id"]!;
        var path = $"/connections/{connection["id"]}/clients";

        (await host.SendAsync("PATCH", path, $$"""[{"client_id":"{{first}}","status":true},{"client_id":"{{second}}","status":true}]""")).Status.ShouldBe(204);
        (await host.SendAsync("GET", path)).Body!["clients"]!.AsArray().Count.ShouldBe(2);
        var page = (await host.SendAsync("GET", path + "?take=1")).Body!;
        (await host.SendAsync("GET", $"{path}?take=1&from={page["next"]}")).Body!.AsObject().ContainsKey("next").ShouldBeFalse();
        (await host.SendAsync("GET", $"/clients/{first}/connections")).Body!["connections"]!.AsArray().Count.ShouldBe(1);

        (await host.SendAsync("PATCH", path, $$"""[{"client_id":"{{first}}","status":false}]""")).Status.ShouldBe(204);
        (await host.SendAsync("GET", path)).Body!.ToJsonString().ShouldBe($$"""{"clients":[{"client_id":"{{second}}"}]}""");
        (await host.SendAsync("GET", $"/clients/{first}/connections")).Body!["connections"]!.AsArray().ShouldBeEmpty();

        (await host.SendAsync("PATCH", path, """[{"client_id":"nobody","status":true}]""")).Status.ShouldBe(400);
        (await host.SendAsync("PATCH", path, """[{"client_id":"nobody"}]""")).Status.ShouldBe(400);
        (await host.SendAsync("PATCH", path, """{"client_id":"nobody","status":true}""")).Status.ShouldBe(400);
        (await host.SendAsync("PATCH", path, "[]")).Status.ShouldBe(400);
        (await host.SendAsync("PATCH", path, """[{"client_id":"nobody","status":true,"x":1}]""")).Message.ShouldNotBeNull().ShouldContain("not allowed: x");
    }

    private static Task<JsonObject> CreateAsync(ManagementHost host, string name) =>
        host.CreateAsync("/connections", $$"""{"name":"{{name}}","strategy":"oauth2","options":{{Options}}}""");

    private static string NewName() => "c-" + Identifier.Client();
}
