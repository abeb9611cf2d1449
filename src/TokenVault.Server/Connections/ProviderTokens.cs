using System.Diagnostics.CodeAnalysis;
using TokenVault.Server.Keys;
using TokenVault.Server.Users;

namespace TokenVault.Server.Connections;

/// <summary>What a provider's token endpoint gave.</summary>
/// <param name="RefreshToken">Null when the answer had none: the one already held stays valid.</param>
/// <param name="Scopes">Null when the answer had none: then what was asked for was granted (RFC 6749 §5.1).</param>
/// <param name="ExpiresAt">Counted from the moment the request was sent; null when the provider named no lifetime.</param>
internal sealed record ProviderTokens(Secret AccessToken, Secret? RefreshToken, IReadOnlyList<string>? Scopes, DateTimeOffset? ExpiresAt)
{
    /// <summary>Null when the provider does not say.</summary>
    public DateTimeOffset? RefreshTokenExpiresAt { get; init; }

    /// <summary>What beside the token an application needs to use it (<see cref="Provider.KeptMembers"/>).</summary>
    public IReadOnlyDictionary<string, string> Kept { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);
}

/// <summary>Who the account belongs to at the provider.</summary>
/// <param name="Issuer">The provider's issuer, or its token endpoint's origin where it has none.</param>
internal sealed record ProviderIdentity(string Issuer, string Subject, string? Email)
{
    private const int Longest = 255;

    public UserProfile? Profile { get; init; }

    /// <summary>When the person last proved to the provider who they are, where it says so.</summary>
    public DateTimeOffset? AuthenticatedAt { get; init; }

    /// <summary>A control character in an id is an attack on whoever prints it or puts it into a key with others.</summary>
    public static bool IsSubject([NotNullWhen(true)] string? text) => text is { Length: > 0 and <= Longest } && !text.Any(char.IsControl);

    /// <summary>An address is worth less than the account: one that could do harm is left out.</summary>
    public static string? Printable(string? text) => IsSubject(text) ? text : null;
}

/// <summary>A redeemed authorization code. The identity is null when the provider has no way to name the user.</summary>
internal sealed record ProviderGrant(ProviderTokens Tokens, ProviderIdentity? Identity);

/// <summary>A value from a provider, or why it must not be used.</summary>
internal sealed record ProviderResult<T>(T? Value, ProviderFailure? Failure)
    where T : class;

/// <param name="Supported">False when the provider has no way to revoke.</param>
/// <param name="Failure">Null when the token is gone.</param>
/// <param name="Successor">The refresh token that has taken the place of the one that was to be revoked: the one to try with next.</param>
internal readonly record struct RevocationAnswer(bool Supported, ProviderFailure? Failure, Secret? Successor = null);

/// <param name="Detail">For the operator's log: no secret, no body of the provider.</param>
internal sealed record ProviderFailure(ProviderFailureKind Kind, string Detail, TimeSpan? RetryAfter = null)
{
    /// <summary>With <see cref="ProviderFailureKind.OutcomeUnknown"/>: an answer that could not be read. There may be tokens in it.</summary>
    public Secret? UnreadAnswer { get; init; }

    /// <summary>With <see cref="ProviderFailureKind.OutcomeUnknown"/>: what had come of an answer before its connection or its time ended.</summary>
    public UpstreamAnswer? BrokenOff { get; init; }

    /// <summary>What was in the way; null where it was what the provider said.</summary>
    public UpstreamObstacle? Obstacle { get; init; }

    /// <summary>Of an answer that was of no use.</summary>
    public int? Status { get; init; }
}

/// <summary>Why no answer came of a call.</summary>
internal enum UpstreamObstacle
{
    /// <summary>The host's name stands for no address.</summary>
    Dns,

    /// <summary>No connection was taken there.</summary>
    Refused,

    /// <summary>The certificate, or what came of the handshake.</summary>
    Tls,

    Timeout,

    /// <summary>Our own <see cref="EgressGuard"/>.</summary>
    Egress,

    /// <summary>An answer began, and was no HTTP, or too long, or broke off.</summary>
    Broken,
}

internal enum ProviderFailureKind
{
    /// <summary>Nothing was sent: no connection came about, or the egress guard refused.</summary>
    NotSent,

    /// <summary>The provider says that it cannot serve now (500, 503, 429 and the like): says nothing about the grant.</summary>
    Unavailable,

    /// <summary>
    /// The request went out, and what came of it is not known: a timeout, a broken connection, a gateway's error, an answer that
    /// cannot be read. A refresh token may have been rotated.
    /// </summary>
    OutcomeUnknown,

    /// <summary>The provider says that the grant is dead (<c>invalid_grant</c> and its relatives).</summary>
    GrantRejected,

    /// <summary>The provider does not accept our client or request: an operator must act, the grant is not at fault.</summary>
    Misconfigured,

    /// <summary>The identity is not valid: a wrong nonce, audience or signature. Nothing of the answer may be kept.</summary>
    IdentityRejected,
}
