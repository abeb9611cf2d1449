using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace TokenVault.Server.Http;

/// <summary>What the server proves itself with: its certificate with the key, and the intermediate certificates up to an authority.</summary>
internal sealed record ServerCertificate(X509Certificate2 Leaf, X509Certificate2Collection Chain)
{
    /// <summary>The operator's own: a PEM file that begins with the server's certificate, and its key.</summary>
    /// <exception cref="StartupException">The files do not hold a certificate and its key.</exception>
    public static ServerCertificate Load(string certificateFile, string keyFile)
    {
        try
        {
            var chain = new X509Certificate2Collection();
            chain.ImportFromPemFile(certificateFile);
            return new ServerCertificate(X509Certificate2.CreateFromPemFile(certificateFile, keyFile), chain);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            throw new StartupException($"The certificate '{certificateFile}' with the key '{keyFile}' cannot be used: {e.Message}", e);
        }
    }
}
