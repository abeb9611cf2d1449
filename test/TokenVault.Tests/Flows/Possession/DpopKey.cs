using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using TokenVault.Server.Protocol;
using TokenVault.Tests.Flows.Workers;

namespace TokenVault.Tests.Flows.Possession;

/// <summary>A client's DPoP key, which makes whatever proof a test wants.</summary>
internal sealed class DpopKey(WorkerKey key, Func<DateTimeOffset> now)
{
    public static DpopKey Create(Func<DateTimeOffset> now, string alg = "ES256") => new(WorkerKey.Create(alg), now);

    public WorkerKey Key { get; } = key;

    /// <summary>The newest that the server gave.</summary>
    public string? Nonce { get; set; }

    public string Thumbprint { get; } = TokenVault.Server.Keys.Jose.Jwk.Thumbprint(key.Key);

    public JsonObject Jwk()
    {
        var jwk = JsonNode.Parse(TokenVault.Server.Keys.Jose.Jwk.Write(Key.Key, "k", Key.Alg))!.AsObject();
        foreach (var member in (string[])["kid", "alg", "use"])
        {
            jwk.Remove(member);
        }

        return jwk;
    }

    public JsonObject Header() => new() { ["typ"] = "dpop+jwt", ["alg"] = Key.Alg, ["jwk"] = Jwk() };

    public JsonObject Claims(string method, string uri, string? accessToken = null)
    {
        var claims = new JsonObject
        {
            ["jti"] = Identifier.Secret(),
            ["htm"] = method,
            ["htu"] = uri,
            ["iat"] = now().ToUnixTimeSeconds(),
        };
        if (Nonce is not null)
        {
            claims["nonce"] = Nonce;
        }

        if (accessToken is not null)
        {
            claims["ath"] = Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(accessToken)));
        }

        return claims;
    }

    public string Proof(string method, string uri, string? accessToken = null, Action<JsonObject>? change = null)
    {
        var claims = Claims(method, uri, accessToken);
        change?.Invoke(claims);
        return Key.Sign(Header(), claims);
    }
}
