using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using TokenVault.Server.Http;
using TokenVault.Server.Keys;
using TokenVault.Server.Keys.Jose;

namespace TokenVault.Server.Connections;

/// <summary>
/// A key with which one connection, and no other, proves to its provider who we are (private_key_jwt): no provider can use at another
/// one what it was shown (T-UP-05). The private part is sealed to the connection.
/// </summary>
internal sealed record ConnectionKey
{
    public const string DefaultAlg = "RS256";

    private const string Purpose = "connection_key";

    /// <summary>What Auth0 names for connections.</summary>
    public static IReadOnlyList<string> Algorithms { get; } = ["RS256", "RS384", "RS512", "PS256", "PS384", "ES256", "ES384"];

    /// <summary>The thumbprint of RFC 7638.</summary>
    public required string Kid { get; init; }

    public required string Alg { get; init; }

    /// <summary>The public half, in PEM.</summary>
    public required string Certificate { get; init; }

    /// <summary>PKCS#8, sealed.</summary>
    public required byte[] SealedPrivateKey { get; init; }

    /// <summary>When it began to sign; null for the one that comes next.</summary>
    public DateTimeOffset? CurrentSince { get; init; }

    public static ConnectionKey Create(KeyRing ring, string connectionId, string alg, DateTimeOffset now)
    {
        using var key = JwsAlgorithm.Find(alg)!.NewKey();
        var kid = Jwk.Thumbprint(key);
        var privateKey = key.ExportPkcs8PrivateKey();
        try
        {
            return new ConnectionKey
            {
                Kid = kid,
                Alg = alg,
                Certificate = SigningCertificate.Create(key, $"CN={connectionId}", kid, now).Pem,
                SealedPrivateKey = ring.Seal(privateKey, Identity(connectionId, kid, alg)),
            };
        }
        finally
        {
            CryptographicOperations.ZeroMemory(privateKey);
        }
    }

    /// <exception cref="BrokenSealException">What is stored was not sealed for this connection, key and algorithm.</exception>
    public JwsSigner Open(KeyRing ring, string connectionId)
    {
        var algorithm = JwsAlgorithm.Find(Alg)!;
        AsymmetricAlgorithm key = algorithm.IsRsa ? RSA.Create() : ECDsa.Create();
        var privateKey = ring.Open(SealedPrivateKey, Identity(connectionId));
        try
        {
            key.ImportPkcs8PrivateKey(privateKey, out _);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(privateKey);
        }

        return new JwsSigner(Kid, algorithm, key);
    }

    public ConnectionKey Renewed(KeyRing ring, string connectionId) =>
        this with { SealedPrivateKey = ring.Seal(ring.Open(SealedPrivateKey, Identity(connectionId)), Identity(connectionId)) };

    public byte[] Identity(string connectionId) => Identity(connectionId, Kid, Alg);

    /// <summary>For the operator, who registers it at the provider: as a JWK or as a certificate.</summary>
    public JsonObject View()
    {
        using var certificate = X509Certificate2.CreateFromPem(Certificate);
        using AsymmetricAlgorithm key = certificate.GetRSAPublicKey() ?? (AsymmetricAlgorithm)certificate.GetECDsaPublicKey()!;
        var (_, pkcs7, fingerprint, thumbprint) = SigningCertificate.Read(certificate);
        var json = new JsonObject
        {
            ["kid"] = Kid,
            ["algorithm"] = Alg,
            ["key_use"] = "signing",
            ["current"] = CurrentSince is not null,
            ["next"] = CurrentSince is null,
            ["previous"] = false,
            ["jwk"] = JsonNode.Parse(Jwk.Write(key, Kid, Alg)),
            ["cert"] = Certificate,
            ["pkcs"] = pkcs7,
            ["fingerprint"] = fingerprint,
            ["thumbprint"] = thumbprint,
            ["subject_dn"] = certificate.Subject,
        };
        return json.With("current_since", CurrentSince is { } since ? WireJson.Date(since) : null);
    }

    private static byte[] Identity(string connectionId, string kid, string alg) => Aad.For(Purpose, connectionId, kid, alg);
}
