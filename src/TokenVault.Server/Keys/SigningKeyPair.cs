using System.Security.Cryptography;
using TokenVault.Server.Keys.Jose;

namespace TokenVault.Server.Keys;

/// <summary>A signing key in memory: what signs, what verifies, and what is published of it.</summary>
internal sealed record SigningKeyPair(JwsSigner Signer, VerificationKey Verifier, byte[] Jwk, Lazy<SigningCertificate?> Certificate)
{
    /// <summary>A new key, ready to be stored.</summary>
    public static SigningKey Create(string alg, SigningKeyState state, KeyRing ring, KeyPairMaker maker, DateTimeOffset now)
    {
        using var key = maker(Algorithm(alg));
        var kid = Jose.Jwk.Thumbprint(key);
        var record = new SigningKey
        {
            Id = kid,
            Alg = alg,
            State = state,
            PublicJwk = Jose.Jwk.Write(key, kid, alg),
            SealedPrivateKey = [],
            CreatedAt = now,
            CurrentSince = state == SigningKeyState.Current ? now : null,
        };
        var privateKey = key.ExportPkcs8PrivateKey();
        try
        {
            return record with { SealedPrivateKey = ring.Seal(privateKey, record.Identity()) };
        }
        finally
        {
            CryptographicOperations.ZeroMemory(privateKey);
        }
    }

    /// <exception cref="BrokenSealException">The row was changed, or is another key's.</exception>
    public static SigningKeyPair Open(SigningKey stored, KeyRing ring)
    {
        var algorithm = Algorithm(stored.Alg);
        AsymmetricAlgorithm key = algorithm.IsRsa ? RSA.Create() : ECDsa.Create();
        var privateKey = ring.Open(stored.SealedPrivateKey, stored.Identity());
        try
        {
            key.ImportPkcs8PrivateKey(privateKey, out _);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(privateKey);
        }

        // The seal is bound to this id, so whoever can write rows but not seal cannot slip in a public key of their own.
        return new SigningKeyPair(
            new JwsSigner(stored.Id, algorithm, key),
            new VerificationKey(stored.Id, algorithm, key),
            Jose.Jwk.Write(key, stored.Id, stored.Alg),
            new Lazy<SigningCertificate?>(() => SigningCertificate.Of(key, stored)));
    }

    private static JwsAlgorithm Algorithm(string alg) =>
        JwsAlgorithm.Find(alg) ?? throw new ArgumentException($"There is no algorithm '{alg}'.", nameof(alg));
}
