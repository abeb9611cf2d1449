using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace TokenVault.Server.Keys;

/// <summary>SHA-256 over a certificate's DER, in base64url (RFC 8705 §3.1).</summary>
internal static class CertificateThumbprint
{
    [return: NotNullIfNotNull(nameof(certificate))]
    public static string? Of(X509Certificate2? certificate) => certificate is null ? null : Base64Url.EncodeToString(SHA256.HashData(certificate.RawData));
}
