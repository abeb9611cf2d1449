using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using TokenVault.Server.Keys;
using TokenVault.Server.Keys.Jose;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Clients;

/// <summary>
/// Refresh tokens on the wire: <c>v1.</c> and base64url of 16 bytes handle and 32 bytes secret. The handle finds the family,
/// the secret says which generation. A successor's secret derives from its predecessor's and a key of the server, so that the
/// predecessor can be answered with the same successor during the leeway although neither is stored.
/// </summary>
internal sealed class RefreshTokens(RememberedRows<RefreshToken> rows, KeyRing ring, TimeProvider time)
{
    private const string Prefix = "v1.";
    private const int HandleLength = 16;
    private const int SecretLength = 32;

    /// <summary>Between two writes of when a token was used.</summary>
    private static readonly TimeSpan LongestPause = TimeSpan.FromHours(1);

    /// <summary>A new family, to be inserted in the commit that issues it, and its first token.</summary>
    public (RefreshToken Record, Secret Token) Create(Client client, string userId, string? audience, IReadOnlyList<string> scopes)
    {
        var now = time.GetUtcNow();
        var handle = RandomNumberGenerator.GetBytes(HandleLength);
        var secret = RandomNumberGenerator.GetBytes(SecretLength);
        var settings = client.RefreshToken;
        var record = new RefreshToken
        {
            Id = Identifier.RefreshToken(),
            ClientId = client.ClientId,
            UserId = userId,
            Audience = audience,
            Scopes = scopes,
            // A public client cannot prove who it is, so its tokens rotate whatever it is set to (RFC 9700 §4.14.2).
            Rotating = settings.Rotating || client.IsPublic,
            HandleHash = Hash(handle),
            SecretHash = Hash(secret),
            CreatedAt = now,
            AuthenticatedAt = now,
            IdleExpiresAt = IdleEnd(settings, now),
            AbsoluteExpiresAt = settings.Expiring && !settings.InfiniteTokenLifetime ? now.AddSeconds(settings.TokenLifetime) : null,
        };
        return (record, Token(handle, secret));
    }

    /// <summary>The family that a token belongs to, and what the token is to it; null for a token that is none of ours.</summary>
    public ValueTask<PresentedRefreshToken?> FindAsync(string token, CancellationToken cancellationToken) => FindAsync(token, Recall.None, cancellationToken);

    /// <summary>As the other one, perhaps as it was a moment ago.</summary>
    public async ValueTask<PresentedRefreshToken?> FindAsync(string token, Recall recall, CancellationToken cancellationToken)
    {
        if (Parse(token) is not { } parts)
        {
            return null;
        }

        var record = await rows.FindByKeyAsync("handle", Hash(parts.Handle), recall, cancellationToken);
        return record is null ? null : new PresentedRefreshToken(record, StandingOf(record, parts.Secret), parts.Handle, parts.Secret);
    }

    /// <summary>The next generation of a rotating token, and its token.</summary>
    public (RefreshToken Record, Secret Token) Rotate(PresentedRefreshToken presented, Client client)
    {
        var now = time.GetUtcNow();
        var record = presented.Record;
        var secret = Successor(presented.Handle, presented.Secret);
        var next = record with
        {
            SecretHash = Hash(secret),
            PreviousSecretHash = record.SecretHash,
            Generation = record.Generation + 1,
            RotatedAt = now,
            LastExchangedAt = now,
            IdleExpiresAt = IdleEnd(client.RefreshToken, now),
        };
        return (next, Token(presented.Handle, secret));
    }

    /// <summary>The successor that was already given for this token, when it is the predecessor and the leeway is not over.</summary>
    public Secret? AgainWithinLeeway(PresentedRefreshToken presented, Client client)
    {
        var inTime = presented.Record.RotatedAt is { } at && at.AddSeconds(client.RefreshToken.Leeway) > time.GetUtcNow();
        return presented.Standing == RefreshTokenStanding.Previous && inTime
            ? Token(presented.Handle, Successor(presented.Handle, presented.Secret))
            : null;
    }

    /// <summary>
    /// A non-rotating token after use; the same instance when the idle deadline moved too little to be worth a write: at most a tenth of
    /// the time is lost, and an hour.
    /// </summary>
    public RefreshToken Used(RefreshToken record, Client client)
    {
        var now = time.GetUtcNow();
        var settings = client.RefreshToken;
        var tenth = TimeSpan.FromSeconds(settings.IdleTokenLifetime / 10.0);
        var pause = IdleEnd(settings, now) is null || tenth > LongestPause ? LongestPause : tenth;
        return record.LastExchangedAt is { } last && now - last < pause
            ? record
            : record with { LastExchangedAt = now, IdleExpiresAt = IdleEnd(client.RefreshToken, now) };
    }

    private static DateTimeOffset? IdleEnd(RefreshTokenSettings settings, DateTimeOffset now) =>
        settings.Expiring && !settings.InfiniteIdleTokenLifetime ? now.AddSeconds(settings.IdleTokenLifetime) : null;

    private static RefreshTokenStanding StandingOf(RefreshToken record, byte[] secret)
    {
        var hash = Encoding.ASCII.GetBytes(Hash(secret));
        if (CryptographicOperations.FixedTimeEquals(hash, Encoding.ASCII.GetBytes(record.SecretHash)))
        {
            return RefreshTokenStanding.Current;
        }

        return record.PreviousSecretHash is { } previous && CryptographicOperations.FixedTimeEquals(hash, Encoding.ASCII.GetBytes(previous))
            ? RefreshTokenStanding.Previous
            : RefreshTokenStanding.Older;
    }

    private static (byte[] Handle, byte[] Secret)? Parse(string token)
    {
        // One spelling per token (T-ST-17).
        var bytes = new byte[HandleLength + SecretLength];
        return token.StartsWith(Prefix, StringComparison.Ordinal)
            && StrictBase64Url.TryDecode(token.AsSpan(Prefix.Length), bytes, out var length)
            && length == bytes.Length
                ? (bytes[..HandleLength], bytes[HandleLength..])
                : null;
    }

    private static Secret Token(byte[] handle, byte[] secret) => new(Prefix + Base64Url.EncodeToString([.. handle, .. secret]));

    private static string Hash(byte[] part) => Convert.ToHexStringLower(SHA256.HashData(part));

    private byte[] Successor(byte[] handle, byte[] secret) => ring.Mac("refresh-token-successor", [.. handle, .. secret]);
}

/// <summary>A refresh token as a client presented it.</summary>
internal sealed record PresentedRefreshToken(RefreshToken Record, RefreshTokenStanding Standing, byte[] Handle, byte[] Secret)
{
    public override string ToString() => $"{Record.Id} ({Standing})";
}

internal enum RefreshTokenStanding
{
    /// <summary>The one that is valid.</summary>
    Current,

    /// <summary>Its predecessor.</summary>
    Previous,

    /// <summary>One from before, or a guess by somebody who holds the handle: either way the family is compromised.</summary>
    Older,
}
