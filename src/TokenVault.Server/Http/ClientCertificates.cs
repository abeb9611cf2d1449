using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace TokenVault.Server.Http;

/// <summary>Asks callers for a certificate, on one port only: a browser that is asked for one asks its user.</summary>
internal static class ClientCertificates
{
    /// <param name="port">0: nowhere.</param>
    public static void Ask(HttpsConnectionAdapterOptions https, int port)
    {
        if (port == 0)
        {
            return;
        }

        // Whom a certificate proves is for the client's authentication to say. Here it only has to be one whose key the caller holds.
        https.ClientCertificateMode = ClientCertificateMode.AllowCertificate;
        https.AllowAnyClientCertificate();
        https.OnAuthenticate = (connection, tls) =>
        {
            var asked = (connection.LocalEndPoint as IPEndPoint)?.Port == port;
            tls.ClientCertificateRequired = asked;

            // A session that is taken up again brings its certificate along, on whichever port: each connection is to prove its own.
            tls.AllowTlsResume = !asked;

            // A stranger's certificate names addresses to ask: none of them is.
            tls.CertificateRevocationCheckMode = X509RevocationMode.NoCheck;
            tls.CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
                DisableCertificateDownloads = true,
            };
        };
    }
}
