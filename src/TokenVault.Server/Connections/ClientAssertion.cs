using System.Text;
using System.Text.Json.Nodes;
using TokenVault.Server.Keys.Jose;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Connections;

/// <summary>
/// What proves our client to a provider in place of a secret (RFC 7523 §3). Its audience is the provider's issuer identifier and nothing
/// else, as one string: a token endpoint that an attacker named gets nothing that another authorization server would take (T-UP-05).
/// </summary>
internal sealed class ClientAssertion(string clientId, string issuer, JwsSigner signer, TimeProvider time)
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(60);

    /// <summary>A new one for each request: none is sent twice.</summary>
    public string Next()
    {
        var now = time.GetUtcNow();
        var claims = new JsonObject
        {
            ["iss"] = clientId,
            ["sub"] = clientId,
            ["aud"] = issuer,
            ["jti"] = Identifier.Secret(),
            ["iat"] = now.ToUnixTimeSeconds(),
            ["exp"] = (now + Lifetime).ToUnixTimeSeconds(),
        };
        return signer.Sign("JWT", Encoding.UTF8.GetBytes(claims.ToJsonString()));
    }
}
