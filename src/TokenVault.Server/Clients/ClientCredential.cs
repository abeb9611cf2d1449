using System.Text.Json.Serialization;
using TokenVault.Server.Keys.Jose;

namespace TokenVault.Server.Clients;

/// <summary>
/// A public key or a certificate of one client, and of no other (T-CA-12). It lives in the client's record, so that what the client is
/// allowed and what it proves itself with can never disagree. Only its end can be changed.
/// </summary>
internal sealed record ClientCredential
{
    public const string PublicKey = "public_key";
    public const string CertifiedName = "cert_subject_dn";
    public const string Certificate = "x509_cert";

    /// <summary>Two for the authentication, two for the privileged access, and one that is about to take another's place.</summary>
    public const int MostOfAClient = 5;

    /// <summary>As many as it takes to replace one while the other is in use.</summary>
    public const int MostInUse = 2;

    public static IReadOnlyList<string> Algorithms { get; } = ["RS256", "RS384", "PS256", "ES256"];

    public required string Id { get; init; }

    public string? Name { get; init; }

    /// <summary>public_key, cert_subject_dn or x509_cert.</summary>
    public required string CredentialType { get; init; }

    /// <summary>The only algorithm that the key may verify; null for what no JWT is verified with.</summary>
    public string? Alg { get; init; }

    public string? Kid { get; init; }

    /// <summary>SubjectPublicKeyInfo in PEM.</summary>
    public string? Spki { get; init; }

    /// <summary>The RFC 7638 thumbprint of the key.</summary>
    public string? KeyThumbprint { get; init; }

    /// <summary>Of a certificate that is meant as a whole: SHA-256 over its DER, in base64url (RFC 8705 §3.1).</summary>
    public string? CertificateThumbprint { get; init; }

    /// <summary>Of a subject that is meant, whichever certificate bears it: as <see cref="SubjectName"/> compares it.</summary>
    public string? Subject { get; init; }

    /// <summary>The same, as people read it.</summary>
    public string? SubjectDn { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset UpdatedAt { get; init; }

    /// <summary>From then on it proves nothing; null: it does not end.</summary>
    public DateTimeOffset? EndsAt { get; init; }

    /// <summary>What tells it from those of other clients; null for a name, which an authority gives.</summary>
    [JsonIgnore]
    public string? Identity => CredentialType == CertifiedName ? null : KeyThumbprint;

    public bool IsAlive(DateTimeOffset now) => EndsAt is not { } end || end > now;

    /// <summary>Null when no JWT is verified with it.</summary>
    public VerificationKey? Key() => CredentialType == PublicKey && Spki is not null ? PublicKeyPem.ToKey(Spki, Kid!, Alg!) : null;
}
