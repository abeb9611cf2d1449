using System.Security.Cryptography;
using TokenVault.Server.Keys;
using TokenVault.Server.Keys.Jose;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Clients;

/// <summary>
/// Client authentication by <c>private_key_jwt</c> (RFC 7523 §3, OpenID Connect Core §9): a JWT by which the client says who it is, for
/// this server and for one use.
/// </summary>
internal sealed class AssertionVerifier(IStorage storage, TokenVaultOptions options, TimeProvider time)
{
    private const int LongestJti = 256;

    private static readonly TimeSpan LongestLife = TimeSpan.FromHours(1);

    /// <summary>For a client that does not exist, so that it costs what another one costs (T-CA-08).</summary>
    private static readonly VerificationKey NobodysKey = new("nobody", JwsAlgorithm.Find("RS256")!, RSA.Create(2048));

    /// <returns>Why it does not prove the client; "" when it does. For the log only.</returns>
    public async ValueTask<string> VerifyAsync(Client? client, string assertion)
    {
        var expected = Expected(client?.ClientId ?? "");
        var now = time.GetUtcNow();
        var keys = client is null ? [] : Keys(client, now);
        if (keys.Count == 0)
        {
            JwtVerifier.Verify(assertion, expected, _ => NobodysKey, now, out _);
            return "the client has no key for it";
        }

        var problem = "";
        VerifiedJwt? jwt = null;
        foreach (var key in keys.TakeWhile(_ => jwt is null))
        {
            // SDKs leave the kid out; a client has two keys at most, while the one takes the other's place.
            jwt = JwtVerifier.Verify(assertion, expected, kid => kid is null || kid == key.Kid ? key : null, now, out problem);
        }

        if (jwt is null)
        {
            return problem;
        }

        if (jwt.Subject != client!.ClientId || jwt.JwtId is not { Length: > 0 and <= LongestJti } jti)
        {
            return "sub is not the client, or jti is missing or too long";
        }

        // After the signature: strangers write nothing here.
        var spent = SpentJti.Of(SpentJti.Assertion, client.ClientId, jti, jwt.ExpiresAt!.Value + expected.Skew);
        return (await storage.CommitAsync(new Batch().Insert(spent))).Committed ? "" : "the assertion was used before";
    }

    private static List<VerificationKey> Keys(Client client, DateTimeOffset now) => client.TokenEndpointAuthMethod != Client.PrivateKeyJwt
        ? []
        : [.. client.AuthenticationCredentials.Select(client.Credential).OfType<ClientCredential>().Where(c => c.IsAlive(now)).Select(c => c.Key()).OfType<VerificationKey>()];

    /// <summary>One audience, and that is us: the issuer, with the slash or without, or one of the endpoints, as SDKs send it (T-CA-06; CIBA Core §7.1).</summary>
    private JwtExpectations Expected(string clientId) => new()
    {
        Issuer = clientId,
        Audience = options.Issuer,
        OtherAudiences = [options.Issuer.TrimEnd('/'), options.Issuer + "oauth/token", options.Issuer.TrimEnd('/') + Wire.BackchannelPath],
        SingleAudience = true,
        Types = ["", "JWT", "client-authentication+jwt"],
        MaxLifetime = LongestLife,
        MaxAge = LongestLife,
    };
}
