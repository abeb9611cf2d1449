using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Keys;

/// <summary>One of our own signing keys, as stored: the private part sealed.</summary>
internal sealed record SigningKey : ISealed<SigningKey>
{
    public static string Kind => "signing-key";

    public static JsonTypeInfo<SigningKey> TypeInfo => KeysJson.Default.SigningKey;

    public static IReadOnlyList<SealedField<SigningKey>> SealedFields { get; } =
        [new(nameof(SealedPrivateKey), key => key.SealedPrivateKey, key => key.Identity())];

    /// <summary>The <c>kid</c>: the thumbprint of RFC 7638.</summary>
    public required string Id { get; init; }

    /// <summary>RS256 or ES256.</summary>
    public required string Alg { get; init; }

    public required SigningKeyState State { get; init; }

    /// <summary>The public JWK as UTF-8 JSON, to show; what is published is made from the private key, which the seal protects.</summary>
    public required byte[] PublicJwk { get; init; }

    /// <summary>PKCS#8, sealed.</summary>
    public required byte[] SealedPrivateKey { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it began to sign.</summary>
    public DateTimeOffset? CurrentSince { get; init; }

    /// <summary>When its successor began to sign.</summary>
    public DateTimeOffset? RetiredAt { get; init; }

    public DateTimeOffset? RevokedAt { get; init; }

    [JsonIgnore]
    public long Version { get; init; }

    // One current and one next key an algorithm, whichever node is quicker.
    IEnumerable<EntityKey> IRecord<SigningKey>.Keys =>
        State is SigningKeyState.Current or SigningKeyState.Next ? [EntityKey.UniqueKey("slot", $"{Alg} {State}")] : [];

    public SigningKey AtVersion(long version) => this with { Version = version };

    public byte[] Identity() => Aad.For("signing-key", Id, Alg);
}

/// <summary>A key is published before it signs and after, so that no verifier meets a signature by a key it could not know.</summary>
internal enum SigningKeyState
{
    Next,
    Current,
    Previous,
    Revoked,
}
