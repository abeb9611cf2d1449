using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using TokenVault.Server;
using TokenVault.Server.Demo;
using TokenVault.Server.Http;

namespace TokenVault.Tests.Http;

/// <summary>The certificate that an operator brings along.</summary>
public sealed class ServerCertificateTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("tokenvault-certificate-");

    private string CertificateFile => Path.Combine(_directory.FullName, "server.pem");

    private string KeyFile => Path.Combine(_directory.FullName, "server.key");

    [Fact]
    public async Task Clients_that_trust_the_root_alone_get_the_intermediate_from_the_server()
    {
        using var root = WriteCertificates();
        var issuer = $"https://localhost:{LoopbackHttp.FreePort()}/";
        await using var server = await TokenVaultServer.StartAsync([], builder =>
        {
            builder.Logging.ClearProviders();
            builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
            {
                ["TokenVault:Issuer"] = issuer,
                ["TokenVault:DataDirectory"] = Path.Combine(_directory.FullName, "data"),
                ["TokenVault:Tls:CertificateFile"] = CertificateFile,
                ["TokenVault:Tls:KeyFile"] = KeyFile,
            });
        });

        using var http = LoopbackHttp.Client(root);
        (await http.GetAsync(issuer + "health/ready")).IsSuccessStatusCode.ShouldBeTrue();
    }

    [Fact]
    public void Files_that_hold_no_certificate_with_its_key_are_named()
    {
        WriteCertificates().Dispose();
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        File.WriteAllText(KeyFile, other.ExportPkcs8PrivateKeyPem());
        Should.Throw<StartupException>(() => ServerCertificate.Load(CertificateFile, KeyFile)).Message.ShouldContain(KeyFile);

        File.WriteAllText(CertificateFile, "nothing");
        Should.Throw<StartupException>(() => ServerCertificate.Load(CertificateFile, KeyFile)).Message.ShouldContain(CertificateFile);
    }

    public void Dispose() => _directory.Delete(recursive: true);

    /// <returns>The root, which is not in the file.</returns>
    private X509Certificate2 WriteCertificates()
    {
        using var rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var middleKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var leafKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var (from, to) = (TimeProvider.System.GetUtcNow().AddHours(-1), TimeProvider.System.GetUtcNow().AddDays(1));
        using var root = Request("root", rootKey, isAuthority: true).CreateSelfSigned(from, to);
        using var middle = Request("intermediate", middleKey, isAuthority: true).Create(root, from, to, [1]).CopyWithPrivateKey(middleKey);
        using var leaf = Request("localhost", leafKey, isAuthority: false).Create(middle, from, to, [2]);
        File.WriteAllText(CertificateFile, $"{leaf.ExportCertificatePem()}\n{middle.ExportCertificatePem()}\n");
        File.WriteAllText(KeyFile, leafKey.ExportPkcs8PrivateKeyPem());
        return X509CertificateLoader.LoadCertificate(root.RawData);
    }

    private static CertificateRequest Request(string name, ECDsa key, bool isAuthority)
    {
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(isAuthority, hasPathLengthConstraint: false, pathLengthConstraint: 0, critical: true));
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        return request;
    }
}
