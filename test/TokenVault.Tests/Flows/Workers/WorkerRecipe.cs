using System.Buffers.Text;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace TokenVault.Tests.Flows.Workers;

/// <summary>The C# recipe of docs/privileged-worker.md: the page holds this file from the marker on, and a test compares them.</summary>
internal static class WorkerRecipe
{
    public static async Task<string> RunAsync(HttpClient http, Func<string, string> environment)
    {
        // recipe
        var (issuer, connection) = (environment("ISSUER"), environment("CONNECTION"));
        const string exchange = "urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token";

        // 1 The key pairs. Keep the private keys: in a file of mode 0600, or in a key store.
        using var authentication = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var subjects = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        JsonObject Credential(ECDsa key) => new() { ["credential_type"] = "public_key", ["alg"] = "ES256", ["pem"] = key.ExportSubjectPublicKeyInfoPem() };

        // 2 The client, and the connection that it may use.
        var client = await ManageAsync(HttpMethod.Post, "clients", new JsonObject
        {
            ["name"] = "Nightly sync",
            ["app_type"] = "non_interactive",
            ["grant_types"] = new JsonArray(exchange),
            ["client_authentication_methods"] = new JsonObject
            {
                ["private_key_jwt"] = new JsonObject { ["credentials"] = new JsonArray(Credential(authentication)) },
            },
            ["token_vault_privileged_access"] = new JsonObject
            {
                ["credentials"] = new JsonArray(Credential(subjects)),
                ["ip_allowlist"] = new JsonArray("127.0.0.0/8", "::1"),
                ["users_per_hour"] = 100,
            },
        });
        var clientId = (string)client!["client_id"]!;
        var connections = await ManageAsync(HttpMethod.Get, "connections?name=" + Uri.EscapeDataString(connection), body: null);
        var enabled = new JsonArray(new JsonObject { ["client_id"] = clientId, ["status"] = true });
        await ManageAsync(HttpMethod.Patch, $"connections/{connections![0]!["id"]}/clients", enabled);

        // 3 The token.
        using var form = new FormUrlEncodedContent(new Dictionary<string, string>
        {
            ["grant_type"] = exchange,
            ["client_id"] = clientId,
            ["client_assertion_type"] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            ["client_assertion"] = Jwt("JWT", new JsonObject { ["sub"] = clientId }, authentication),
            ["subject_token_type"] = "urn:ietf:params:oauth:token-type:jwt",
            ["subject_token"] = Jwt("token-vault-req+jwt", new JsonObject { ["sub"] = environment("USER_ID"), ["audit_context"] = "Nightly synchronisation" }, subjects),
            ["requested_token_type"] = "http://auth0.com/oauth/token-type/token-vault-access-token",
            ["connection"] = connection,
        });
        using var answer = await http.PostAsync(issuer + "oauth/token", form);
        return await answer.Content.ReadAsStringAsync();

        async Task<JsonNode?> ManageAsync(HttpMethod method, string path, JsonNode? body)
        {
            using var request = new HttpRequestMessage(method, issuer + "api/v2/" + path);
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", environment("MANAGEMENT_TOKEN"));
            request.Content = body is null ? null : new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json");
            using var response = await http.SendAsync(request);
            var text = await response.Content.ReadAsStringAsync();
            response.EnsureSuccessStatusCode();
            return text.Length == 0 ? null : JsonNode.Parse(text);
        }

        string Jwt(string typ, JsonObject claims, ECDsa key)
        {
            var now = Now().ToUnixTimeSeconds();
            (claims["iss"], claims["aud"], claims["jti"]) = (clientId, issuer, Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(16)));
            (claims["iat"], claims["exp"]) = (now, now + 60);
            var header = Encoding.UTF8.GetBytes(new JsonObject { ["alg"] = "ES256", ["typ"] = typ }.ToJsonString());
            var input = $"{Base64Url.EncodeToString(header)}.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(claims.ToJsonString()))}";
            return $"{input}.{Base64Url.EncodeToString(key.SignData(Encoding.ASCII.GetBytes(input), HashAlgorithmName.SHA256))}";
        }

        // end
        DateTimeOffset Now() => DateTimeOffset.Parse(environment("NOW"), System.Globalization.CultureInfo.InvariantCulture);
    }
}
