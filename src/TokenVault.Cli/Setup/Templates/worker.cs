// Load {{env}} into the environment first{{dotnet_ca}}.
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

static string Env(string name) => Environment.GetEnvironmentVariable(name)!;
static string Jwt(string type, string keyFile, JsonObject claims)
{
    var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
    (claims["iss"], claims["aud"], claims["jti"]) = (Env("TOKEN_VAULT_CLIENT_ID"), Env("TOKEN_VAULT_ISSUER"), Guid.NewGuid().ToString());
    (claims["iat"], claims["exp"]) = (now, now + 60);
    string Encode(JsonObject part) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(part.ToJsonString()));
    var input = $"{Encode(new JsonObject { ["alg"] = "RS256", ["typ"] = type })}.{Encode(claims)}";
    using var key = RSA.Create();
    key.ImportFromPem(File.ReadAllText(keyFile));
    return $"{input}.{Base64Url.EncodeToString(key.SignData(Encoding.ASCII.GetBytes(input), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1))}";
}

using var http = new HttpClient { BaseAddress = new Uri(Env("TOKEN_VAULT_ISSUER")) };
using var response = await http.PostAsync("oauth/token", new FormUrlEncodedContent(new Dictionary<string, string>
{
    ["grant_type"] = "urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token",
    ["subject_token"] = Jwt("token-vault-req+jwt", Env("TOKEN_VAULT_SUBJECT_KEY"), new JsonObject { ["sub"] = Env("USER_ID"), ["audit_context"] = "Trying it" }),
    ["subject_token_type"] = "urn:ietf:params:oauth:token-type:jwt",
    ["requested_token_type"] = "http://auth0.com/oauth/token-type/federated-connection-access-token",
    ["connection"] = Env("TOKEN_VAULT_CONNECTION"),
    ["client_id"] = Env("TOKEN_VAULT_CLIENT_ID"),
    {{dotnet_proof}}
}));
var token = JsonNode.Parse(await response.Content.ReadAsStringAsync());
Console.WriteLine($"{token!["scope"] ?? token["error"]} {token["expires_in"]}");
