using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace TokenVault.Server.Demo;

/// <summary>Clients for servers on this machine that made their certificate themselves.</summary>
internal static class LoopbackHttp
{
    /// <param name="trusted">The authority to trust; null for plain HTTP.</param>
    public static HttpClient Client(X509Certificate2? trusted, CookieContainer? cookies = null)
    {
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false, UseCookies = cookies is not null };
        if (cookies is not null)
        {
            handler.CookieContainer = cookies;
        }

        if (trusted is not null)
        {
            handler.SslOptions = new SslClientAuthenticationOptions
            {
                CertificateChainPolicy = new X509ChainPolicy
                {
                    TrustMode = X509ChainTrustMode.CustomRootTrust,
                    CustomTrustStore = { trusted },
                    RevocationMode = X509RevocationMode.NoCheck,
                },
            };
        }

        return new HttpClient(handler);
    }

    /// <summary>
    /// A port that was free a moment ago, below those that systems hand out by themselves: while its server restarts, no outgoing connection
    /// is given it.
    /// </summary>
    /// <exception cref="SocketException">A hundred were taken.</exception>
    public static int FreePort()
    {
        for (var attempt = 1; ; attempt++)
        {
            using var listener = new TcpListener(IPAddress.Loopback, RandomNumberGenerator.GetInt32(12_000, 32_000));
            try
            {
                listener.Start();
                return ((IPEndPoint)listener.LocalEndpoint).Port;
            }
            catch (SocketException) when (attempt < 100)
            {
                // Somebody's.
            }
        }
    }
}
