using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using TokenVault.Server.Keys.Jose;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Keys;

/// <summary>
/// Access tokens that were verified before. The same characters stay the same key's work and say the same, and a token comes many times while
/// it lives. No more than that is taken as known: its key is looked up each time and has to be the very record that verified it, so that a key
/// that is revoked or replaced verifies nothing any more (T-ST-11), and what the token says is judged anew. Kept by their hash, for tokens are
/// secrets.
/// </summary>
internal sealed class KnownAccessTokens
{
    private const int Most = 10_000;

    private readonly ConcurrentDictionary<Digest, Known> _known = new();
    private readonly SeenLately _seen = new(Most);

    /// <param name="keyByKid">The key record now.</param>
    /// <param name="problem">Why it is refused; for the log only.</param>
    /// <returns>False: it is not known, or not any more.</returns>
    public bool TryFind(
        string token, Func<string, VerificationKey?> keyByKid, JwtExpectations expected, DateTimeOffset now, out AccessToken? found, out string problem)
    {
        (found, problem) = (null, "");
        if (!IsKept(token) || !_known.TryGetValue(Digest.Of(token), out var known) || !ReferenceEquals(keyByKid(known.Key.Kid!), known.Key))
        {
            return false;
        }

        problem = known.Claims.Refusal(expected, now);
        found = problem.Length == 0 ? known.Token : null;
        return true;
    }

    /// <param name="key">What verified it.</param>
    /// <param name="claims">What it says of its validity.</param>
    public void Keep(string token, VerificationKey key, JwtClaims claims, AccessToken accessToken)
    {
        // Who acts for whom is JSON, which is not for two requests at once: such a token is verified each time.
        if (!IsKept(token) || accessToken.Delegation != Delegation.None)
        {
            return;
        }

        // When half of the room is taken, only what comes again: tokens that come once each would leave behind what only a collection of the
        // whole heap frees.
        var count = _known.Count;
        if (count >= Most / 2 && !_seen.Again(token))
        {
            return;
        }

        // Any of them: what is in use comes back.
        foreach (var (old, _) in _known.Take(count < Most ? 0 : Most / 16))
        {
            _known.TryRemove(old, out _);
        }

        _known[Digest.Of(token)] = Shared(key, claims, accessToken);
    }

    /// <summary>Thousands say the same of most: that is kept once.</summary>
    private static Known Shared(VerificationKey key, JwtClaims claims, AccessToken token)
    {
        var shared = token with
        {
            ClientId = SharedText.Of(token.ClientId),
            UserId = token.UserId is null ? null : SharedText.Of(token.UserId),
            Scopes = SharedTexts.Of([.. token.Scopes.Select(SharedText.Of)]),
            Audiences = SharedTexts.Of([.. token.Audiences.Select(SharedText.Of)]),
            Methods = SharedTexts.Of([.. token.Methods.Select(SharedText.Of)]),
            Delegation = Delegation.None,
        };
        return new Known(key, claims with { Issuer = SharedText.Of(claims.Issuer), Audiences = shared.Audiences, Subject = null, JwtId = null }, shared);
    }

    private static bool IsKept(string token) => Encoding.UTF8.GetByteCount(token) <= VerifiedJws.LongestToken;

    private readonly record struct Known(VerificationKey Key, JwtClaims Claims, AccessToken Token);

    /// <summary>SHA-256.</summary>
    private readonly record struct Digest(ulong A, ulong B, ulong C, ulong D)
    {
        public static Digest Of(string token)
        {
            Span<byte> text = stackalloc byte[Encoding.UTF8.GetByteCount(token)];
            Encoding.UTF8.GetBytes(token, text);
            Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
            SHA256.HashData(text, hash);
            return new Digest(
                BinaryPrimitives.ReadUInt64LittleEndian(hash),
                BinaryPrimitives.ReadUInt64LittleEndian(hash[8..]),
                BinaryPrimitives.ReadUInt64LittleEndian(hash[16..]),
                BinaryPrimitives.ReadUInt64LittleEndian(hash[24..]));
        }
    }
}
