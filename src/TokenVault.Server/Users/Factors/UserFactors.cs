using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using TokenVault.Server.Keys;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Users.Factors;

/// <summary>
/// A user's second factors. One row a user: whatever uses up a code replaces it, so that of two requests with the same code one loses,
/// on whatever nodes they are.
/// </summary>
internal sealed record UserFactors : ISealed<UserFactors>
{
    /// <summary>The unique key of rows by their passkeys.</summary>
    public const string PasskeyKey = "passkey";

    public static string Kind => "user-factors";

    public static JsonTypeInfo<UserFactors> TypeInfo => UsersJson.Default.UserFactors;

    public static IReadOnlyList<SealedField<UserFactors>> SealedFields { get; } =
        [new(nameof(SealedTotpSecret), factors => factors.SealedTotpSecret, factors => TotpAad(factors.UserId))];

    public required string UserId { get; init; }

    /// <summary><c>totp|dev_…</c>; null when there is no authenticator app.</summary>
    public string? TotpId { get; init; }

    public byte[]? SealedTotpSecret { get; init; }

    /// <summary>The last time step whose code was accepted.</summary>
    public long TotpStep { get; init; }

    public DateTimeOffset? TotpCreatedAt { get; init; }

    public DateTimeOffset? TotpUsedAt { get; init; }

    public IReadOnlyList<Passkey> Passkeys { get; set; } = [];

    /// <summary><c>recovery-code|dev_…</c></summary>
    public string? RecoveryId { get; init; }

    /// <summary>Keyed hashes of the recovery codes that are left.</summary>
    public IReadOnlyList<string> RecoveryHashes { get; set; } = [];

    public DateTimeOffset? RecoveryCreatedAt { get; init; }

    /// <summary>Wrong codes one after another, wherever they were entered.</summary>
    public int Failures { get; init; }

    public DateTimeOffset? FailedAt { get; init; }

    [JsonIgnore]
    public long Version { get; init; }

    /// <summary>Recovery codes alone are no factor: they stand in for one that was lost.</summary>
    [JsonIgnore]
    public bool Any => TotpId is not null || Passkeys.Count > 0;

    string IRecord<UserFactors>.Id => UserId;

    IEnumerable<EntityKey> IRecord<UserFactors>.Keys =>
        Passkeys.Select(passkey => EntityKey.UniqueKey(PasskeyKey, passkey.CredentialId)).Prepend(EntityKey.Index("user", UserId));

    public static byte[] TotpAad(string userId) => Aad.For("user-factors.totp", userId);

    public UserFactors AtVersion(long version) => this with { Version = version };
}
