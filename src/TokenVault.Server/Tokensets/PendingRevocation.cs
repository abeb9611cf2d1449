using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using TokenVault.Server.Connections;
using TokenVault.Server.Keys;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Tokensets;

/// <summary>
/// A token that the provider is to be told to forget (RFC 7009): the durable outbox's entry, which outlives the account, the user
/// and the connection it belonged to, and tells afterwards what became of it.
/// </summary>
internal sealed record PendingRevocation : ISealed<PendingRevocation>
{
    public static string Kind => "revocation";

    public static JsonTypeInfo<PendingRevocation> TypeInfo => TokensetsJson.Default.PendingRevocation;

    public static IReadOnlyList<SealedField<PendingRevocation>> SealedFields { get; } =
    [
        new(nameof(SealedToken), revocation => revocation.SealedToken, revocation => revocation.Identity()),
        .. Connections.Connection.SealedFieldsIn<PendingRevocation>(nameof(Connection), revocation => revocation.Connection),
    ];

    public required string Id { get; init; }

    public required string UserId { get; init; }

    /// <summary>Null when the tokens never became an account's.</summary>
    public string? AccountId { get; init; }

    public required string TokensetId { get; init; }

    /// <summary>With <see cref="UpstreamUserId"/>: whose account it was at the provider; null when that names nobody.</summary>
    public string? Issuer { get; init; }

    public string? UpstreamUserId { get; init; }

    /// <summary>The connection as it was: it may be gone by the time the provider answers.</summary>
    public required Connection Connection { get; init; }

    /// <summary>Absent once the work is done.</summary>
    public byte[]? SealedToken { get; init; }

    /// <summary>refresh_token or access_token.</summary>
    public required string Hint { get; init; }

    public RevocationState State { get; init; }

    public int Attempts { get; init; }

    /// <summary>Why the last attempt failed.</summary>
    public string? Problem { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset NextAttemptAt { get; init; }

    public DateTimeOffset? EndedAt { get; init; }

    [JsonIgnore]
    public long Version { get; init; }

    DateTimeOffset? IRecord<PendingRevocation>.ExpiresAt => EndedAt?.AddDays(30);

    IEnumerable<EntityKey> IRecord<PendingRevocation>.Keys
    {
        get
        {
            // Not the index "user": that one goes with the user.
            yield return OfUser(UserId);
            if (State == RevocationState.Pending)
            {
                yield return Due;
            }
        }
    }

    public static EntityKey Due { get; } = EntityKey.Index("revocation", "pending");

    public static EntityKey OfUser(string userId) => EntityKey.Index("revocation-user", userId);

    public byte[] Identity() => Aad.For(Kind, Id, UserId, TokensetId);

    public PendingRevocation AtVersion(long version) => this with { Version = version };
}

/// <summary>Whose tokens they were.</summary>
/// <param name="AccountId">Null when they never became an account's.</param>
/// <param name="TokensetId">What they belonged to: a tokenset, or the connect request that nobody completed.</param>
/// <param name="Issuer">With <paramref name="UpstreamUserId"/>: whose account it was at the provider; null when that names nobody.</param>
internal sealed record TokenOwner(string UserId, string? AccountId, string TokensetId, string? Issuer, string? UpstreamUserId)
{
    public static TokenOwner Of(Tokenset tokenset) => new(tokenset.UserId, tokenset.AccountId, tokenset.Id, tokenset.Issuer, tokenset.UpstreamUserId);
}

internal static class RevocationStates
{
    /// <summary>As it stands on the wire.</summary>
    public static string Name(RevocationState state) => state switch
    {
        RevocationState.Revoked => "revoked",
        RevocationState.NotSupported => "not_supported",
        RevocationState.Failed => "failed",
        RevocationState.Deferred => "deferred",
        _ => "pending",
    };
}

[JsonConverter(typeof(JsonStringEnumConverter<RevocationState>))]
internal enum RevocationState
{
    Pending,
    Revoked,

    /// <summary>The provider has no way to revoke.</summary>
    NotSupported,

    /// <summary>The provider did not accept it within a day.</summary>
    Failed,

    /// <summary>The same provider account is connected: the token is revoked when that one goes.</summary>
    Deferred,
}
