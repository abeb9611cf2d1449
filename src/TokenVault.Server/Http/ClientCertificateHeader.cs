using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace TokenVault.Server.Http;

/// <summary>
/// The certificate of a client whose TLS ends at a proxy: a header that the operator named, and only from a proxy that the operator named
/// (RFC 8705 §6.5, T-CA-09). It stands before everything that reads the peer's address, since what a proxy forwards changes that. What such
/// a proxy's own certificate says is not the client's: with a header named, nothing else counts from it.
/// </summary>
internal sealed class ClientCertificateHeader(string name, IReadOnlyList<Network> proxies)
{
    private const int Longest = 12 * 1024;

    public Task HandleAsync(HttpContext context, RequestDelegate next)
    {
        if (context.Connection.RemoteIpAddress is { } peer && IsProxy(peer))
        {
            var header = context.Request.Headers[name];
            context.Connection.ClientCertificate = header.Count == 1 && header[0] is { Length: > 0 and <= Longest } text ? Read(text) : null;
        }

        return next(context);
    }

    /// <summary>As RFC 9440 §2.1 has it, <c>:base64:</c>, or as the PEM that nginx and others percent-encode; null for anything else.</summary>
    public static X509Certificate2? Read(string text)
    {
        try
        {
            if (text is [':', .. var encoded, ':'])
            {
                return X509CertificateLoader.LoadCertificate(Convert.FromBase64String(encoded));
            }

            var pem = Uri.UnescapeDataString(text).Trim();
            return PemEncoding.TryFind(pem, out var fields)
                && fields.Location.GetOffsetAndLength(pem.Length) == (0, pem.Length)
                && pem[fields.Label] == "CERTIFICATE"
                    ? X509CertificateLoader.LoadCertificate(Convert.FromBase64String(pem[fields.Base64Data]))
                    : null;
        }
        catch (Exception e) when (e is CryptographicException or FormatException)
        {
            return null;
        }
    }

    private bool IsProxy(IPAddress peer) => proxies.Any(network => network.Contains(peer));
}
