using System.Text.Json.Nodes;
using TokenVault.Server.Protocol;

namespace TokenVault.Tests.Management;

/// <summary>What Auth0's Token Vault setup tool sends, in its order.</summary>
public class SetupToolTests
{
    private const string Scopes = """["create:me:connected_accounts","read:me:connected_accounts","delete:me:connected_accounts"]""";

    [Fact]
    public async Task The_setup_tool_gets_through()
    {
        // The tool looks for what it made on the first page of lists that it has for itself.
        await using var host = await ManagementHost.StartAsync();
        var clientId = await CreateAppAsync(host);
        await EnableConnectionAsync(host, clientId);
        await EnableMyAccountAsync(host);
        await GrantAsync(host, clientId);
        await AddRefreshPolicyAsync(host, clientId);
        await CreateApiAsync(host);
    }

    private static async Task<string> CreateAppAsync(ManagementHost host)
    {
        var app = await host.CreateAsync(
            "/clients",
            """{"name":"Tool","description":"","app_type":"regular_web","callbacks":["http://localhost:3000/auth/callback"],"allowed_logout_urls":["http://localhost:3000"],"oidc_conformant":true,"jwt_configuration":{"alg":"RS256"},"grant_types":["authorization_code","implicit","refresh_token","client_credentials"]}""");
        var id = (string)app["client_id"]!;
        (await host.SendAsync("GET", "/clients?page=0&per_page=100&include_totals=true&is_global=false")).Body!["clients"]!.AsArray()
            .ShouldContain(client => (string)client!["client_id"]! == id);

        var client = (await host.SendAsync("GET", "/clients/" + id)).Body!;
        var grants = client["grant_types"]!.DeepClone().AsArray();
        grants.Add((JsonNode)Wire.FederatedExchange);
        await PatchAsync(host, "/clients/" + id, $$"""{"is_first_party":true,"oidc_conformant":true,"grant_types":{{grants.ToJsonString()}}}""");
        return id;
    }

    private static async Task EnableConnectionAsync(ManagementHost host, string clientId)
    {
        var name = "google-" + Identifier.Client();
        await host.CreateAsync(
            "/connections", $$"""{"name":"{{name}}","strategy":"google-oauth2","options":{"client_id":"x","client_secret":"y","scope":["email"],"upstream_params":{"a":{"value":"b"} } } }""");
        var connection = (await host.SendAsync("GET", "/connections")).Body!.AsArray().Single(c => (string)c!["name"]! == name)!;
        var path = "/connections/" + connection["id"];

        var options = connection["options"]!.DeepClone().AsObject();
        options["connected_accounts"] = new JsonObject { ["active"] = true };
        await PatchAsync(host, path, new JsonObject { ["options"] = options }.ToJsonString());
        var clients = connection["enabled_clients"]!.DeepClone().AsArray();
        clients.Add((JsonNode)clientId);
        var patched = await PatchAsync(host, path, new JsonObject { ["enabled_clients"] = clients }.ToJsonString());

        ((bool)patched["connected_accounts"]!["active"]!).ShouldBeTrue();
        ((string?)patched["options"]!["client_id"]).ShouldBe("x");
        patched["enabled_clients"]!.ToJsonString().ShouldBe($"[\"{clientId}\"]");
        var stored = await Server.Storage.StorageRecords.FindAsync<Server.Connections.Connection>(host.Storage, (string)connection["id"]!, default);
        Server.Connections.ConnectionSecret.Open(host.Ring, stored!)!.Reveal().ShouldBe("y");
    }

    private static async Task EnableMyAccountAsync(ManagementHost host)
    {
        var found = (await host.SendAsync("GET", "/resource-servers?identifier=" + Uri.EscapeDataString(host.MyAccount))).Body!.AsArray();
        var api = found.ShouldHaveSingleItem()!;
        ((string?)api["identifier"]).ShouldBe(host.MyAccount);
        var scopes = api["scopes"]!.ToJsonString();
        var patched = await PatchAsync(
            host, "/resource-servers/" + api["id"], $$"""{"scopes":{{scopes}},"subject_type_authorization":{"user":{"policy":"require_client_grant"} } }""");
        patched["scopes"]!.ToJsonString().ShouldBe(scopes);
    }

    private static async Task GrantAsync(ManagementHost host, string clientId)
    {
        var query = $"/client-grants?client_id={clientId}&audience={Uri.EscapeDataString(host.MyAccount)}";
        (await host.SendAsync("GET", query)).Body!.AsArray().ShouldBeEmpty();
        await host.CreateAsync("/client-grants", $$"""{"client_id":"{{clientId}}","audience":"{{host.MyAccount}}","scope":{{Scopes}},"subject_type":"user"}""");
        var grant = (await host.SendAsync("GET", query)).Body!.AsArray().Single(g => (string)g!["subject_type"]! == "user")!;
        await PatchAsync(host, "/client-grants/" + grant["id"], $$"""{"scope":{{Scopes}}}""");
    }

    private static async Task AddRefreshPolicyAsync(ManagementHost host, string clientId)
    {
        var settings = (await host.SendAsync("GET", "/clients/" + clientId)).Body!["refresh_token"]!.DeepClone();
        settings["policies"]!.AsArray().Add((JsonNode)new JsonObject { ["audience"] = host.MyAccount, ["scope"] = JsonNode.Parse(Scopes) });
        var patched = await PatchAsync(host, "/clients/" + clientId, new JsonObject { ["refresh_token"] = settings }.ToJsonString());
        JsonNode.DeepEquals(patched["refresh_token"], settings).ShouldBeTrue();
    }

    private static async Task CreateApiAsync(ManagementHost host)
    {
        var identifier = $"https://{Identifier.Client()}.example";
        (await host.SendAsync("GET", "/resource-servers?identifier=" + Uri.EscapeDataString(identifier))).Body!.AsArray().ShouldBeEmpty();
        await host.CreateAsync("/resource-servers", $$"""{"identifier":"{{identifier}}","name":"API","signing_alg":"RS256","allow_offline_access":true}""");
        var client = await host.CreateAsync("/clients", """{"name":"API client","app_type":"non_interactive","grant_types":["client_credentials"]}""");
        var path = "/clients/" + client["client_id"];
        await PatchAsync(host, path, $$"""{"is_first_party":true,"oidc_conformant":true,"grant_types":["client_credentials","{{Wire.FederatedExchange}}"]}""");

        // No value of Auth0's enumeration, and sent all the same.
        await PatchAsync(host, path, """{"token_endpoint_auth_method":"private_key_jwt"}""");

        // Our own way to the same end, with the link that the documentation asks for.
        await PatchAsync(host, path, $$"""{"app_type":"resource_server","resource_server_identifier":"{{identifier}}"}""");
    }

    private static async Task<JsonNode> PatchAsync(ManagementHost host, string path, string json)
    {
        var reply = await host.SendAsync("PATCH", path, json);
        reply.Status.ShouldBe(200, reply.Body?.ToJsonString());
        return reply.Body!;
    }
}
