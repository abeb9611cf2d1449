using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using TokenVault.Server.Connections;
using TokenVault.Server.Keys;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Accounts;

/// <summary>
/// What a provider gave for a connect request, sealed, until its user completes; or for a sign-in that came to nothing. It outlives
/// the request, however that ends: what nobody fetches is given back to the provider (T-CF-02).
/// </summary>
internal sealed record HeldGrant : ISealed<HeldGrant>
{
    public static string Kind => "held-grant";

    public static JsonTypeInfo<HeldGrant> TypeInfo => AccountsJson.Default.HeldGrant;

    public static IReadOnlyList<SealedField<HeldGrant>> SealedFields { get; } =
    [
        new(nameof(SealedGrant), held => held.SealedGrant, held => held.Identity()),
        .. Connections.Connection.SealedFieldsIn<HeldGrant>(nameof(Connection), held => held.Connection),
    ];

    /// <summary>The request's.</summary>
    public required string Id { get; init; }

    /// <summary>Empty for a sign-in of nobody known.</summary>
    public required string UserId { get; init; }

    public required string ClientId { get; init; }

    /// <summary>The connection as it was: it may be gone by the time the tokens are given back.</summary>
    public required Connection Connection { get; init; }

    public required byte[] SealedGrant { get; init; }

    /// <summary>Nobody can complete after this.</summary>
    public DateTimeOffset Deadline { get; init; }

    [JsonIgnore]
    public long Version { get; init; }

    // Not the index "user" or "connection": what goes with those has to be revoked first.
    IEnumerable<EntityKey> IRecord<HeldGrant>.Keys => [];

    public byte[] Identity() => Aad.For(Kind, Id, UserId, ClientId, Connection.Id);

    public HeldGrant AtVersion(long version) => this with { Version = version };
}
