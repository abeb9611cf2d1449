using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace TokenVault.Server.Keys;

/// <summary>
/// A signing key's public half in the form of a certificate, for tools that want one. It certifies nothing: verifiers go by the key set.
/// An RSA signature has no random part, so the same key always gives the same certificate; that of another key has to be kept.
/// </summary>
internal sealed record SigningCertificate(string Pem, string Pkcs7, string Fingerprint, string Thumbprint)
{
    private const int Years = 20;

    public static SigningCertificate? Of(AsymmetricAlgorithm key, SigningKey stored) =>
        key is RSA ? Create(key, "CN=tokenvault-signing", stored.Id, stored.CreatedAt) : null;

    public static SigningCertificate Create(AsymmetricAlgorithm key, string subject, string kid, DateTimeOffset from)
    {
        var name = new X500DistinguishedName(subject);
        var serial = SHA256.HashData(System.Text.Encoding.ASCII.GetBytes(kid))[..16];
        serial[0] = (byte)((serial[0] & 0x7F) | 0x40);
        var (request, generator) = key is RSA rsa
            ? (new CertificateRequest(name, rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1), X509SignatureGenerator.CreateForRSA(rsa, RSASignaturePadding.Pkcs1))
            : (new CertificateRequest(name, (ECDsa)key, HashAlgorithmName.SHA256), X509SignatureGenerator.CreateForECDsa((ECDsa)key));
        using var certificate = request.Create(name, generator, from, from.AddYears(Years), serial);
        return Read(certificate);
    }

    public static SigningCertificate Read(X509Certificate2 certificate)
    {
        var sha1 = certificate.GetCertHashString(HashAlgorithmName.SHA1);
        return new SigningCertificate(
            certificate.ExportCertificatePem() + "\n",
            new X509Certificate2Collection(certificate).ExportPkcs7Pem() + "\n",
            string.Join(':', sha1.Chunk(2).Select(pair => new string(pair))),
            sha1);
    }
}
