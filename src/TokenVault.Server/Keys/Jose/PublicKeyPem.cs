using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace TokenVault.Server.Keys.Jose;

/// <summary>
/// A public key that somebody registers in PEM, by itself or in a certificate, read strictly: one block and nothing around it, strong
/// enough, and without a private part. What is wrong with it is told without repeating any of it (T-PW-12).
/// </summary>
internal sealed record PublicKeyPem
{
    public const int Longest = 16 * 1024;

    private const int SmallestRsa = 2048;

    // Larger keys verify so slowly that they are a way to keep the server busy.
    private const int LargestRsa = 8192;

    private const string NistP256 = "1.2.840.10045.3.1.7";

    /// <summary>SubjectPublicKeyInfo in PEM: the one form that is stored.</summary>
    public required string Spki { get; init; }

    /// <summary>RFC 7638.</summary>
    public required string Thumbprint { get; init; }

    public required bool IsRsa { get; init; }

    /// <summary>Null when the key came by itself.</summary>
    public X509Certificate2? Certificate { get; init; }

    /// <summary>Whether signatures of this algorithm are made with such a key.</summary>
    public bool Fits(string alg) => JwsAlgorithm.Find(alg) is { } algorithm && algorithm.IsRsa == IsRsa && (IsRsa || algorithm.CurveName == "P-256");

    public static PublicKeyPem? Read(string pem, out string problem)
    {
        // Whatever its spelling, encrypted or not: once it was sent here, it is compromised.
        if (pem.Contains("PRIVATE KEY", StringComparison.OrdinalIgnoreCase))
        {
            problem = "This is a private key, and compromised now that it was sent: make another pair, and register its public key";
            return null;
        }

        var text = pem.Trim();
        if (pem.Length > Longest || !PemEncoding.TryFind(text, out var fields) || fields.Location.GetOffsetAndLength(text.Length) != (0, text.Length))
        {
            problem = "Expected one public key or certificate in PEM";
            return null;
        }

        try
        {
            return ReadBlock(text[fields.Label], Convert.FromBase64String(text[fields.Base64Data]), out problem);
        }
        catch (Exception e) when (e is CryptographicException or FormatException or PlatformNotSupportedException)
        {
            // The last of them: a curve that nobody here has heard of.
            problem = "The PEM holds no key that can be read";
            return null;
        }
    }

    /// <summary>The stored form, as the one key for one algorithm.</summary>
    public static VerificationKey ToKey(string spki, string kid, string alg)
    {
        var algorithm = JwsAlgorithm.Find(alg)!;
        AsymmetricAlgorithm key = algorithm.IsRsa ? RSA.Create() : ECDsa.Create();
        key.ImportFromPem(spki);
        return new VerificationKey(kid, algorithm, key);
    }

    private static PublicKeyPem? ReadBlock(string label, byte[] der, out string problem)
    {
        switch (label)
        {
            case "PUBLIC KEY":
                var publicKey = PublicKey.CreateFromSubjectPublicKeyInfo(der, out var read);
                return read == der.Length ? Judge(publicKey, certificate: null, out problem) : Refuse("There is something behind the key", out problem);
            case "RSA PUBLIC KEY":
                using (var rsa = RSA.Create())
                {
                    rsa.ImportRSAPublicKey(der, out read);
                    return read == der.Length
                        ? Judge(new PublicKey(rsa), certificate: null, out problem)
                        : Refuse("There is something behind the key", out problem);
                }

            case "CERTIFICATE" or "X509 CERTIFICATE":
                var certificate = X509CertificateLoader.LoadCertificate(der);
                return certificate.RawData.Length == der.Length
                    ? Judge(certificate.PublicKey, certificate, out problem)
                    : Refuse("There is something behind the certificate", out problem);
            default:
                return Refuse("Expected a public key or a certificate", out problem);
        }
    }

    private static PublicKeyPem? Judge(PublicKey publicKey, X509Certificate2? certificate, out string problem)
    {
        if (publicKey.GetRSAPublicKey() is { } rsa)
        {
            using (rsa)
            {
                problem = RsaProblem(rsa.ExportParameters(includePrivateParameters: false));
                return problem.Length > 0 ? null : Made(rsa, isRsa: true, certificate);
            }
        }

        if (publicKey.GetECDsaPublicKey() is not { } ec)
        {
            return Refuse("Expected an RSA key or an elliptic curve key", out problem);
        }

        using (ec)
        {
            var curve = ec.ExportParameters(includePrivateParameters: false).Curve;
            problem = curve.IsNamed && curve.Oid.Value == NistP256 ? "" : "Of elliptic curves, only P-256 is accepted";
            return problem.Length > 0 ? null : Made(ec, isRsa: false, certificate);
        }
    }

    private static PublicKeyPem Made(AsymmetricAlgorithm key, bool isRsa, X509Certificate2? certificate) => new()
    {
        Spki = key.ExportSubjectPublicKeyInfoPem(),
        Thumbprint = Jwk.Thumbprint(key),
        IsRsa = isRsa,
        Certificate = certificate,
    };

    private static string RsaProblem(RSAParameters key)
    {
        if (!key.Exponent.AsSpan().SequenceEqual<byte>([1, 0, 1]))
        {
            return "The exponent of an RSA key must be 65537";
        }

        // A leading octet below 128 makes a number of fewer bits than its octets could hold.
        var modulus = key.Modulus!;
        var bits = (modulus.Length * 8) - int.Clamp(System.Numerics.BitOperations.LeadingZeroCount((uint)modulus[0]) - 24, 0, 8);
        return bits is < SmallestRsa or > LargestRsa || (modulus[^1] & 1) == 0 ? "An RSA key must have 2048 to 8192 bits" : "";
    }

    private static PublicKeyPem? Refuse(string why, out string problem)
    {
        problem = why;
        return null;
    }
}
