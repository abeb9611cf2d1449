using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;

namespace TokenVault.Benchmarks;

/// <summary>A privileged worker that signs what it asks with; ES256, and a secret to authenticate with.</summary>
internal sealed class BenchWorker(Credentials client, ECDsa key, string issuer)
{
    private const string Header = """{"alg":"ES256","typ":"token-vault-req+jwt"}""";

    public Credentials Client { get; } = client;

    public static async Task<BenchWorker> CreateAsync(Operator admin, string issuer)
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var credential = new JsonObject
        {
            ["name"] = "Bench",
            ["credential_type"] = "public_key",
            ["alg"] = "ES256",
            ["pem"] = key.ExportSubjectPublicKeyInfoPem(),
        };
        var client = await admin.CreateAsync("clients", new JsonObject
        {
            ["name"] = "Worker",
            ["app_type"] = "non_interactive",
            ["grant_types"] = new JsonArray(Wire.FederatedExchange),
            ["token_vault_privileged_access"] = new JsonObject { ["credentials"] = new JsonArray(credential) },
        });
        return new BenchWorker(Credentials.Of(client), key, issuer);
    }

    /// <summary>Good for one use, within the hour.</summary>
    public string Form(string userId)
    {
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        var claims = new JsonObject
        {
            ["iss"] = Client.ClientId,
            ["sub"] = userId,
            ["aud"] = issuer,
            ["jti"] = Identifier.Secret(),
            ["iat"] = now,
            ["exp"] = now + 3_500,
            ["audit_context"] = "benchmark",
        };
        var input = $"{Encode(Header)}.{Encode(claims.ToJsonString())}";
        var signature = key.SignData(Encoding.ASCII.GetBytes(input), HashAlgorithmName.SHA256);
        return ExchangeForm.Of(Client, $"{input}.{Base64Url.EncodeToString(signature)}", Wire.JwtType);
    }

    private static string Encode(string text) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));
}
