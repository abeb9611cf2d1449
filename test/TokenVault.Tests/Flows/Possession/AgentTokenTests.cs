using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;
using TokenVault.Tests.Flows.OAuth;

namespace TokenVault.Tests.Flows.Possession;

/// <summary>Agents' tokens for the MCP server that are bound to a DPoP key or a certificate.</summary>
public sealed class AgentTokenTests(PossessionScene scene) : IClassFixture<PossessionScene>
{
    private string Resource => scene.Vault.Issuer + "mcp";

    [Fact]
    public async Task T_CA_10_an_agents_bound_token_calls_tools_with_its_key_only()
    {
        var (key, thief) = (scene.NewKey(), scene.NewKey());
        var tokens = await scene.TokenAsync(key, await CodeFormAsync());
        tokens.ShouldBeBoundTo(key);
        var token = tokens["access_token"]!;
        thief.Nonce = key.Nonce;

        foreach (var (scheme, proof) in ((string, string?)[])
            [("Bearer", null), ("DPoP", null), ("DPoP", thief.Proof("POST", Resource, token)), ("DPoP", key.Proof("GET", Resource, token)), ("Bearer", key.Proof("POST", Resource, token))])
        {
            (await ListToolsAsync(Resource, scheme, token, proof)).Status.ShouldBe(401, scheme + proof);
        }

        (await ListToolsAsync(Resource, "DPoP", token, key.Proof("POST", Resource, token))).Text.ShouldContain("call_on_behalf");
    }

    [Fact]
    public async Task T_CA_10_an_agents_bound_token_calls_tools_with_its_certificate_only()
    {
        using var certificate = TestAuthority.SelfSigned();
        using var thief = TestAuthority.SelfSigned();
        var request = new HttpRequestMessage(HttpMethod.Post, scene.Alias + "oauth/token") { Content = new FormUrlEncodedContent(await CodeFormAsync()) };
        var tokens = await scene.SendAsync(request, certificate);
        tokens.ShouldBeGranted();
        var token = tokens["access_token"]!;
        Answers.Claims(token)["cnf"].ShouldNotBeNull();

        foreach (var (address, shown) in ((string, X509Certificate2?)[])[(scene.Alias + "mcp", thief), (scene.Alias + "mcp", null), (Resource, certificate)])
        {
            (await ListToolsAsync(address, "Bearer", token, certificate: shown)).Status.ShouldBe(401, address);
        }

        (await ListToolsAsync(scene.Alias + "mcp", "Bearer", token, certificate: certificate)).Text.ShouldContain("call_on_behalf");
    }

    /// <summary>For a public client of its own, whose tokens have to be bound.</summary>
    private async Task<Dictionary<string, string>> CodeFormAsync()
    {
        var (user, admin) = (await scene.NewUserAsync(), await scene.AdminAsync());
        var credentials = await admin.CreateApplicationAsync("Agent", new JsonObject
        {
            ["app_type"] = "spa",
            ["token_endpoint_auth_method"] = "none",
            ["require_proof_of_possession"] = true,
            ["grant_types"] = new JsonArray(Wire.AuthorizationCode),
            ["refresh_token"] = new JsonObject { ["rotation_type"] = "rotating", ["expiration_type"] = "expiring" },
        });
        await admin.CreateAsync("client-grants", new JsonObject
        {
            ["client_id"] = credentials.ClientId,
            ["audience"] = Resource,
            ["scope"] = new JsonArray(Wire.ReadConnectedAccounts),
            ["subject_type"] = "user",
        });
        var agent = new Application(scene.Vault.Api, credentials);
        var (visit, verifier) = await agent.AuthorizeAsync(user.Browser, user.Email, user.Password, Resource, Wire.ReadConnectedAccounts);
        return new Dictionary<string, string>
        {
            ["grant_type"] = Wire.AuthorizationCode,
            ["client_id"] = credentials.ClientId,
            ["code"] = visit["code"] ?? throw new InvalidOperationException(visit.Url),
            ["redirect_uri"] = Operator.Callback,
            ["code_verifier"] = verifier,
        };
    }

    private Task<Answer> ListToolsAsync(string address, string scheme, string token, string? proof = null, X509Certificate2? certificate = null)
    {
        var body = new JsonObject { ["jsonrpc"] = "2.0", ["id"] = 1, ["method"] = "tools/list" };
        return scene.ResourceAsync(HttpMethod.Post, address, scheme, token, proof, body, certificate);
    }
}
