using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace TokenVault.Tests.Flows.Possession;

/// <summary>A certificate authority for clients, and certificates that stand on their own feet.</summary>
internal sealed class TestAuthority
{
    private static readonly DateTimeOffset From = new(2020, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset Until = new(2040, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly X509Certificate2 _root;

    public TestAuthority()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Test clients, O=Example", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        _root = request.CreateSelfSigned(From, Until);
    }

    public string Pem => _root.ExportCertificatePem();

    /// <param name="usage">What it says that it is for; null: nothing.</param>
    public X509Certificate2 Issue(string subject, DateTimeOffset? from = null, DateTimeOffset? until = null, string? usage = "1.3.6.1.5.5.7.3.2", string? dnsName = null) =>
        Issue(new X500DistinguishedName(subject), from, until, usage, dnsName);

    public X509Certificate2 Issue(X500DistinguishedName subject, DateTimeOffset? from = null, DateTimeOffset? until = null, string? usage = "1.3.6.1.5.5.7.3.2", string? dnsName = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = Request(subject, key, usage, dnsName);
        using var certificate = request.Create(_root, from ?? From, until ?? Until, RandomNumberGenerator.GetBytes(8));
        return Usable(certificate.CopyWithPrivateKey(key));
    }

    public static X509Certificate2 SelfSigned(string subject = "CN=Self", DateTimeOffset? from = null, DateTimeOffset? until = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return Usable(Request(new X500DistinguishedName(subject), key, usage: null, dnsName: null).CreateSelfSigned(from ?? From, until ?? Until));
    }

    /// <summary>A caller that presents the certificate where it is asked for one, over connections of its own.</summary>
    public static HttpClient Client(X509Certificate2 trusted, X509Certificate2 certificate) => new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseProxy = false,
        SslOptions = new SslClientAuthenticationOptions
        {
            CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                CustomTrustStore = { trusted },
                RevocationMode = X509RevocationMode.NoCheck,
            },
            ClientCertificates = [certificate],
            LocalCertificateSelectionCallback = (_, _, _, _, _) => certificate,
        },
    });

    private static CertificateRequest Request(X500DistinguishedName subject, ECDsa key, string? usage, string? dnsName)
    {
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        if (usage is not null)
        {
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], critical: false));
        }

        if (dnsName is not null)
        {
            var names = new SubjectAlternativeNameBuilder();
            names.AddDnsName(dnsName);
            request.CertificateExtensions.Add(names.Build());
        }

        return request;
    }

    /// <summary>Read again from its file form, so that TLS can use its key on every platform.</summary>
    private static X509Certificate2 Usable(X509Certificate2 certificate)
    {
        using (certificate)
        {
            return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), password: null);
        }
    }
}
