using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http.Features;
using TokenVault.Server.Keys;
using TokenVault.Server.Keys.Jose;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Http;

/// <summary>
/// Judges the DPoP proof of a request by the twelve checks of RFC 9449 §4.3 (T-CA-11). The nonce that it demands is a keyed hash of the
/// time: every node knows it, none has to store it, and it changes by itself.
/// </summary>
internal sealed class DpopProofs(IStorage storage, KeyRing ring, TokenVaultOptions options, TimeProvider time)
{
    public const string Header = "DPoP";
    public const string NonceHeader = "DPoP-Nonce";

    private const int MacLength = 16;

    /// <summary>How old a proof may be; its name is remembered for as long.</summary>
    private static readonly TimeSpan LongestAge = TimeSpan.FromSeconds(60);

    /// <summary>How far ahead a client's clock may be.</summary>
    private static readonly TimeSpan Ahead = TimeSpan.FromSeconds(30);

    /// <summary>A nonce is good in its own period and in the next.</summary>
    private static readonly TimeSpan Period = TimeSpan.FromMinutes(2);

    /// <summary>Everything but that it is used once, which <see cref="SpendAsync"/> tells when the rest of the request is known to be good.</summary>
    /// <param name="accessToken">The token that is presented with it; null where one is asked for.</param>
    /// <returns>Neither, when the request has no proof.</returns>
    public (DpopProof? Proof, OAuthError? Error) Check(HttpContext context, string? accessToken)
    {
        var header = context.Request.Headers[Header];
        if (header.Count == 0)
        {
            return (null, null);
        }

        context.Response.Headers[NonceHeader] = NonceOf(Now());
        if (header.Count > 1 || header[0] is not { } text)
        {
            return (null, OAuthError.InvalidDpopProof("there are several"));
        }

        if (DpopProof.Verify(text, out var problem) is not { } proof)
        {
            return (null, OAuthError.InvalidDpopProof(problem));
        }

        problem = Mismatch(context.Request, proof) ?? TimeProblem(proof) ?? HashProblem(proof, accessToken);
        if (problem is not null)
        {
            return (null, OAuthError.InvalidDpopProof(problem));
        }

        return IsFresh(proof.Nonce) ? (proof, null) : (null, OAuthError.UseDpopNonce());
    }

    /// <summary>False when the proof was used before, on whichever node. Names of different keys have nothing to do with each other.</summary>
    public async ValueTask<bool> SpendAsync(DpopProof proof)
    {
        var spent = SpentJti.Of(SpentJti.DpopProof, proof.KeyThumbprint, proof.JwtId, proof.IssuedAt + LongestAge);
        return (await storage.CommitAsync(new Batch().Insert(spent))).Committed;
    }

    /// <summary>
    /// A proof by which an API was called, as that API passes it on: the method, the address and the nonce are the API's to judge, and the
    /// address is none of ours, so that what was made for this server is not taken for it.
    /// </summary>
    public DpopProof? CheckPassedOn(string text, string accessToken, out string problem)
    {
        var proof = DpopProof.Verify(text, out problem);
        if (proof is null)
        {
            return null;
        }

        problem = TimeProblem(proof) ?? HashProblem(proof, accessToken) ?? "";
        if (problem.Length == 0 && (!Uri.TryCreate(proof.Uri, UriKind.Absolute, out var uri) || !uri.Scheme.StartsWith("http", StringComparison.Ordinal) || Bases().Any(own => new Uri(own).Authority == uri.Authority)))
        {
            problem = "it was not made for the API";
        }

        return problem.Length == 0 ? proof : null;
    }

    public static string HashOf(string accessToken) => Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(accessToken)));

    private string? Mismatch(HttpRequest request, DpopProof proof)
    {
        if (!string.Equals(proof.Method, request.Method, StringComparison.Ordinal))
        {
            return "htm is another method";
        }

        // As it was sent, without the query; and under the names that this server goes by, whatever a proxy makes of them.
        var target = request.HttpContext.Features.Get<IHttpRequestFeature>()!.RawTarget.Split('?')[0];
        var sent = Uri.TryCreate(proof.Uri, UriKind.Absolute, out var uri) ? uri.GetLeftPart(UriPartial.Path) : "";
        return Bases().Any(own => Uri.TryCreate(own.TrimEnd('/') + target, UriKind.Absolute, out var asked) && asked.GetLeftPart(UriPartial.Path) == sent)
            ? null
            : "htu is another address";
    }

    private IEnumerable<string> Bases() => options.Mtls.Alias is { } alias ? [options.Issuer, alias] : [options.Issuer];

    private string? TimeProblem(DpopProof proof)
    {
        var now = time.GetUtcNow();
        if (now - proof.IssuedAt > LongestAge || now - proof.ExpiresAt > Ahead)
        {
            return "it is too old";
        }

        return proof.IssuedAt - now > Ahead || proof.NotBefore - now > Ahead ? "it is from the future" : null;
    }

    private static string? HashProblem(DpopProof proof, string? accessToken) =>
        accessToken is null || string.Equals(proof.AccessTokenHash, HashOf(accessToken), StringComparison.Ordinal) ? null : "ath is not the hash of the access token";

    private bool IsFresh(string? nonce)
    {
        var presented = Encoding.UTF8.GetBytes(nonce ?? "");

        // Also the next one: another node's clock may be a little ahead.
        return new[] { Now() - 1, Now(), Now() + 1 }.Any(period => CryptographicOperations.FixedTimeEquals(presented, Encoding.ASCII.GetBytes(NonceOf(period))));
    }

    private long Now() => time.GetUtcNow().Ticks / Period.Ticks;

    private string NonceOf(long period)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long) + MacLength];
        BinaryPrimitives.WriteInt64BigEndian(bytes, period);
        ring.Mac("dpop-nonce", bytes[..sizeof(long)]).AsSpan(0, MacLength).CopyTo(bytes[sizeof(long)..]);
        return Base64Url.EncodeToString(bytes);
    }
}
