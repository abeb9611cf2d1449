using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace TokenVault.Server.Keys;

/// <summary>
/// A signing key's public half in the form of a certificate, for tools that want one. It certifies nothing: verifiers go by the key set.
/// An RSA signature has no random part, so the same key always gives the same certificate; other keys have none.
/// </summary>
internal sealed record SigningCertificate(string Pem, string Pkcs7, string Fingerprint, string Thumbprint)
{
    private const int Years = 20;

    public static SigningCertificate? Of(AsymmetricAlgorithm key, SigningKey stored)
    {
        if (key is not RSA rsa)
        {
            return null;
        }

        var name = new X500DistinguishedName("CN=tokenvault-signing");
        var request = new CertificateRequest(name, rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var serial = SHA256.HashData(System.Text.Encoding.ASCII.GetBytes(stored.Id))[..16];
        serial[0] = (byte)((serial[0] & 0x7F) | 0x40);
        using var certificate = request.Create(
            name, X509SignatureGenerator.CreateForRSA(rsa, RSASignaturePadding.Pkcs1), stored.CreatedAt, stored.CreatedAt.AddYears(Years), serial);
        var sha1 = certificate.GetCertHashString(HashAlgorithmName.SHA1);
        return new SigningCertificate(
            certificate.ExportCertificatePem() + "\n",
            new X509Certificate2Collection(certificate).ExportPkcs7Pem() + "\n",
            string.Join(':', sha1.Chunk(2).Select(pair => new string(pair))),
            sha1);
    }
}
