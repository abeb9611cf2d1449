using TokenVault.Server.Clients;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Users;
using TokenVault.Tests.Flows.Workers;

namespace TokenVault.Tests.Management;

/// <summary>One resource of each kind, so that every route with an id in it has something to act on.</summary>
internal sealed class ManagementScene
{
    private readonly Dictionary<string, string> _ids = new(StringComparer.Ordinal);

    public static async Task<ManagementScene> CreateAsync(ManagementHost host)
    {
        var scene = new ManagementScene();
        var name = Identifier.Client();
        var api = await host.CreateAsync(
            "/resource-servers", $$"""{"name":"x","identifier":"https://{{name}}.example/","scopes":[{"value":"read:it","description":"Read"}]}""");
        var client = await host.CreateAsync(
            "/clients", $$$"""{"name":"x","app_type":"resource_server","resource_server_identifier":"{{{api["identifier"]}}}","description":"d","client_metadata":{"a":"b"}}""");
        var clientId = (string)client["client_id"]!;
        scene._ids["credentials"] = (string)(await host.CreateAsync($"/clients/{clientId}/credentials", WorkerKey.Create().Credential().ToJsonString()))["id"]!;
        var user = await host.CreateAsync(
            "/users",
            $$$"""{"connection":"{{{Wire.DatabaseConnection}}}","email":"{{{name}}}@example.com","username":"u{{{name}}}","password":"correct horse battery","user_metadata":{"a":1}}""");
        var connection = await host.CreateAsync(
            "/connections",
            $$$"""{"name":"{{{name}}}","strategy":"oidc","options":{"client_id":"a","client_secret":"b","discovery_url":"https://p.example/.well-known/openid-configuration","scope":"openid"},"enabled_clients":["{{{clientId}}}"],"metadata":{"a":"b"}}""");
        scene._ids["clients"] = clientId;
        scene._ids["users"] = (string)user["user_id"]!;
        scene._ids["connections"] = (string)connection["id"]!;
        scene._ids["resource-servers"] = (string)api["id"]!;
        scene._ids["client-grants"] = (string)(await host.CreateAsync(
            "/client-grants", $$"""{"client_id":"{{clientId}}","audience":"{{api["identifier"]}}","scope":["read:it"]}"""))["id"]!;
        scene._ids["token-exchange-profiles"] = (string)(await host.CreateAsync(
            "/token-exchange-profiles", $$"""{"name":"x","subject_token_type":"urn:own:{{name}}","action_id":"a"}"""))["id"]!;
        scene._ids["keys"] = (string)(await host.SendAsync("GET", "/keys/signing")).Body![0]!["kid"]!;
        scene._ids["encryption keys"] = (string)(await host.SendAsync("GET", "/keys/encryption")).Body![0]!["kid"]!;
        scene._ids["log-streams"] = (string)(await host.CreateAsync(
            "/log-streams",
            """{"name":"x","type":"http","sink":{"httpEndpoint":"https://receiver.example/"},"filters":[{"type":"category","name":"other"}]}"""))["id"]!;
        scene._ids["actions"] = (string)(await host.CreateAsync(
            "/actions/actions",
            """{"name":"x","supported_triggers":[{"id":"post-login","version":"v3"}],"endpoint":{"url":"https://actions.example/"}}"""))["id"]!;
        scene._ids["logs"] = (string)(await host.SendAsync("GET", "/logs?per_page=1")).Body![0]!["log_id"]!;
        await scene.AddTokenAndSessionAsync(host);
        return scene;
    }

    /// <summary>The path with the ids in it.</summary>
    public string Fill(string path)
    {
        var noun = path.Split('/')[1];
        var kid = _ids[path.Contains("/encryption", StringComparison.Ordinal) ? "encryption keys" : "keys"];
        return path.Replace("{id}", Uri.EscapeDataString(_ids.GetValueOrDefault(noun, "nobody"))).Replace("{kid}", kid).Replace("{credential_id}", _ids["credentials"])
            .Replace("{trigger}", "post-login").Replace("{method}", Uri.EscapeDataString("totp|dev_nothing"));
    }

    /// <summary>What a list demands.</summary>
    public string QueryFor(string route, string query)
    {
        var wanted = route switch
        {
            "/api/v2/refresh-tokens" => "user_id=" + Uri.EscapeDataString(_ids["users"]),
            "/api/v2/users-by-email" => "email=nobody%40example.com",
            _ => "",
        };
        return wanted.Length == 0 ? "" : (query.Length == 0 ? "?" : "&") + wanted;
    }

    private async Task AddTokenAndSessionAsync(ManagementHost host)
    {
        var now = host.Clock.GetUtcNow();
        var session = new Session
        {
            Id = Identifier.Session(),
            UserId = _ids["users"],
            CookieHash = Identifier.Hash(Identifier.Secret()),
            AuthenticatedAt = now,
            IdleExpiresAt = now.AddHours(1),
            AbsoluteExpiresAt = now.AddHours(2),
            ClientIds = [_ids["clients"]],
        };
        var token = new RefreshToken
        {
            Id = Identifier.RefreshToken(),
            ClientId = _ids["clients"],
            UserId = _ids["users"],
            SessionId = session.Id,
            Audience = "https://api.example/",
            Scopes = ["read:it"],
            HandleHash = Identifier.Hash(Identifier.Secret()),
            SecretHash = Identifier.Hash(Identifier.Secret()),
            CreatedAt = now,
            LastExchangedAt = now,
        };
        (await host.Storage.CommitAsync(new Batch().Insert(session).Insert(token))).Committed.ShouldBeTrue();
        (_ids["sessions"], _ids["refresh-tokens"]) = (session.Id, token.Id);
    }
}
