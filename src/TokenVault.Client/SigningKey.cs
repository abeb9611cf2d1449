using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace TokenVault.Client;

/// <summary>A private key that signs JSON Web Tokens: assertions, a worker's subject tokens, DPoP proofs. Never shows its private half.</summary>
public sealed class SigningKey
{
    private readonly AsymmetricAlgorithm _key;
    private readonly string _publicJwk;

    private SigningKey(AsymmetricAlgorithm key, string algorithm, string? keyId, string publicJwk)
    {
        _key = key;
        _publicJwk = publicJwk;
        Algorithm = algorithm;
        KeyId = keyId;
    }

    /// <summary><c>RS256</c>, <c>PS256</c> or <c>ES256</c> (RFC 7518 §3.1).</summary>
    public string Algorithm { get; }

    /// <summary>The <c>kid</c> of what it signs; needed when several keys are registered.</summary>
    public string? KeyId { get; }

    /// <summary>RSA, of 2048 bits at least.</summary>
    /// <param name="key">Stays the caller's, and must outlive the client.</param>
    /// <param name="keyId">The <c>kid</c>, if any.</param>
    /// <param name="algorithm"><c>RS256</c> or <c>PS256</c>.</param>
    /// <exception cref="ArgumentException">The key is too short, or the algorithm another.</exception>
    public static SigningKey From(RSA key, string? keyId = null, string algorithm = "RS256")
    {
        ArgumentNullException.ThrowIfNull(key);
        if (key.KeySize < 2048)
        {
            throw new ArgumentException("An RSA key needs 2048 bits.", nameof(key));
        }

        if (algorithm is not ("RS256" or "PS256"))
        {
            throw new ArgumentException("An RSA key signs RS256 or PS256.", nameof(algorithm));
        }

        var half = key.ExportParameters(includePrivateParameters: false);
        var jwk = $$"""{"e":"{{Encode(half.Exponent!)}}","kty":"RSA","n":"{{Encode(half.Modulus!)}}"}""";
        return new SigningKey(key, algorithm, keyId, jwk);
    }

    /// <summary>An elliptic key on P-256, for <c>ES256</c>.</summary>
    /// <param name="key">Stays the caller's, and must outlive the client.</param>
    /// <param name="keyId">The <c>kid</c>, if any.</param>
    /// <exception cref="ArgumentException">The key is on another curve.</exception>
    public static SigningKey From(ECDsa key, string? keyId = null)
    {
        ArgumentNullException.ThrowIfNull(key);
        var half = key.ExportParameters(includePrivateParameters: false);
        if (key.KeySize != 256 || half.Q.X is null || half.Q.Y is null)
        {
            throw new ArgumentException("ES256 needs a key on P-256.", nameof(key));
        }

        var jwk = $$"""{"crv":"P-256","kty":"EC","x":"{{Encode(half.Q.X)}}","y":"{{Encode(half.Q.Y)}}"}""";
        return new SigningKey(key, "ES256", keyId, jwk);
    }

    /// <summary>A private key in PEM form, RSA or P-256, not encrypted.</summary>
    /// <param name="pem">The text of the file.</param>
    /// <param name="keyId">The <c>kid</c>, if any.</param>
    /// <exception cref="ArgumentException">It is no such key. The message does not repeat the text.</exception>
    public static SigningKey FromPem(string pem, string? keyId = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(pem);
        var elliptic = ECDsa.Create();
        try
        {
            elliptic.ImportFromPem(pem);
            return From(elliptic, keyId);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            elliptic.Dispose();
        }

        var rsa = RSA.Create();
        try
        {
            rsa.ImportFromPem(pem);
            return From(rsa, keyId);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            rsa.Dispose();
            throw new ArgumentException("This is no unencrypted private key, RSA of 2048 bits or P-256, in PEM form.", nameof(pem));
        }
    }

    /// <summary>A new P-256 key that lives as long as the process: what DPoP needs.</summary>
    public static SigningKey Create() => From(ECDsa.Create(ECCurve.NamedCurves.nistP256));

    /// <summary>The public half as a JWK with its members in the order of RFC 7638, so that its hash is its thumbprint.</summary>
    internal string PublicJwk => _publicJwk;

    internal byte[] Sign(string input)
    {
        var bytes = Encoding.ASCII.GetBytes(input);
        return _key is RSA rsa
            ? rsa.SignData(bytes, HashAlgorithmName.SHA256, Algorithm == "PS256" ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1)
            : ((ECDsa)_key).SignData(bytes, HashAlgorithmName.SHA256);
    }

    /// <summary>The algorithm and the key's id.</summary>
    public override string ToString() => KeyId is null ? Algorithm : $"{Algorithm} {KeyId}";

    private static string Encode(byte[] bytes) => Base64Url.EncodeToString(bytes);
}
