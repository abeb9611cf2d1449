using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace TokenVault.Client.Wire;

/// <summary>The connection to the server: no redirects, since they would carry secrets along; no cookies; a certificate where one proves the client.</summary>
internal static class Handlers
{
    public static SocketsHttpHandler Create(TokenVaultOptions options)
    {
        var tls = new SslClientAuthenticationOptions();
        if (options.TrustedAuthority is { } authority)
        {
            tls.CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                CustomTrustStore = { authority },
                RevocationMode = X509RevocationMode.NoCheck,
            };
        }

        if (options.EffectiveAuthentication.ClientCertificate is { } certificate)
        {
            tls.ClientCertificates = [certificate];
            tls.LocalCertificateSelectionCallback = (_, _, _, _, _) => certificate;
        }

        return new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            PooledConnectionLifetime = TimeSpan.FromMinutes(2),
            SslOptions = tls,
        };
    }
}
