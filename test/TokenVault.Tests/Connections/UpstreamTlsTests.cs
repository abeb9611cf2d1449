using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using TokenVault.Server.Connections;
using TokenVault.Testing;

namespace TokenVault.Tests.Connections;

public sealed class UpstreamTlsTests : IDisposable
{
    private readonly string _file = Path.GetTempFileName();
    private readonly X509Certificate2 _authority = Authority("Test authority");

    public void Dispose()
    {
        File.Delete(_file);
        _authority.Dispose();
    }

    [Fact]
    public async Task T_UP_07_A_certificate_of_the_operators_authority_is_trusted()
    {
        await File.WriteAllTextAsync(_file, _authority.ExportCertificatePem());
        (await CallAsync(Leaf(_authority), _file)).ShouldBeNull();
    }

    [Theory]
    [InlineData("system trust only")]
    [InlineData("self-signed")]
    [InlineData("foreign authority")]
    [InlineData("expired")]
    [InlineData("not yet valid")]
    [InlineData("another name")]
    public async Task T_UP_07_A_bad_certificate_is_refused_before_anything_is_sent(string fault)
    {
        await File.WriteAllTextAsync(_file, _authority.ExportCertificatePem());
        using var foreign = Authority("Foreign authority");
        var leaf = fault switch
        {
            "self-signed" => Leaf(authority: null),
            "foreign authority" => Leaf(foreign),
            "expired" => Leaf(_authority, fromDays: -20, toDays: -10),
            "not yet valid" => Leaf(_authority, fromDays: 5, toDays: 10),
            "another name" => Leaf(_authority, address: IPAddress.Parse("127.0.0.2".AsSpan())),
            _ => Leaf(_authority),
        };
        var failure = await CallAsync(leaf, fault == "system trust only" ? null : _file);
        failure!.Kind.ShouldBe(ProviderFailureKind.NotSent);
    }

    [Fact]
    public async Task An_authority_file_without_a_certificate_stops_the_start()
    {
        await File.WriteAllTextAsync(_file, "-----BEGIN NOTHING-----\n");
        Should.Throw<CryptographicException>(() => UpstreamHttpTests.Http(TimeProvider.System, o => o.Egress.CertificateAuthorityFile = _file));
    }

    private static async Task<ProviderFailure?> CallAsync(X509Certificate2 leaf, string? authorityFile)
    {
        using (leaf)
        {
            await using var provider = await FakeProvider.StartAsync(FakeProvider.Defaults() with { Certificate = leaf });
            using var http = UpstreamHttpTests.Http(TimeProvider.System, o => o.Egress.CertificateAuthorityFile = authorityFile);
            using var request = new HttpRequestMessage(HttpMethod.Post, provider.Sandbox.TokenUrl)
            {
                Content = new FormUrlEncodedContent(new Dictionary<string, string> { ["client_secret"] = "secret" }),
            };
            var (_, failure) = await http.SendAsync(request, UpstreamHttp.DefaultLimit, CancellationToken.None);
            provider.Redemption.Calls.ShouldBe(failure is null ? 1 : 0);
            return failure;
        }
    }

    private static X509Certificate2 Authority(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        var now = TimeProvider.System.GetUtcNow();
        return request.CreateSelfSigned(now.AddDays(-30), now.AddDays(30));
    }

    private static X509Certificate2 Leaf(
        X509Certificate2? authority, int fromDays = -1, int toDays = 10, IPAddress? address = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=provider", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(address ?? IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], critical: false));
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = authority is null
            ? request.CreateSelfSigned(now.AddDays(fromDays), now.AddDays(toDays))
            : request.Create(authority, now.AddDays(fromDays), now.AddDays(toDays), RandomNumberGenerator.GetBytes(8));
        using var withKey = authority is null ? null : certificate.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12((withKey ?? certificate).Export(X509ContentType.Pkcs12), null);
    }
}
