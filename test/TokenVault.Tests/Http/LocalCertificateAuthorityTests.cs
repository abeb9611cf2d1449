using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using TokenVault.Server;
using TokenVault.Server.Http;
using TokenVault.Testing;

namespace TokenVault.Tests.Http;

/// <summary>The certificate that a server on one's own machine serves with.</summary>
public sealed class LocalCertificateAuthorityTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("tokenvault-tls-");
    private readonly VaultClock _clock = new();

    private string Tls => Path.Combine(_directory.FullName, "tls");

    [Theory]
    [InlineData("localhost", "localhost")]
    [InlineData("localhost", "127.0.0.1")]
    [InlineData("localhost", "::1")]
    [InlineData("vault.example", "vault.example")]
    [InlineData("192.0.2.7", "192.0.2.7")]
    [InlineData("[2001:db8::7]", "2001:db8::7")]
    public async Task A_client_that_trusts_the_authority_alone_shakes_hands(string issuerHost, string calledHost)
    {
        using var leaf = LocalCertificateAuthority.LoadOrCreate(Tls, issuerHost, TimeProvider.System);
        using var authority = Authority();

        await ShakeHandsAsync(leaf, authority, calledHost);
    }

    [Fact]
    public async Task A_client_that_trusts_another_authority_or_calls_another_host_does_not()
    {
        using var leaf = LocalCertificateAuthority.LoadOrCreate(Tls, "localhost", TimeProvider.System);
        using var authority = Authority();
        using var other = LocalCertificateAuthority.LoadOrCreate(Tls + "2", "localhost", TimeProvider.System);
        using var otherAuthority = X509CertificateLoader.LoadCertificateFromFile(Path.Combine(Tls + "2", "ca.pem"));

        await Should.ThrowAsync<AuthenticationException>(() => ShakeHandsAsync(leaf, otherAuthority, "localhost"));
        await Should.ThrowAsync<AuthenticationException>(() => ShakeHandsAsync(leaf, authority, "vault.example"));
    }

    [Fact]
    public void The_certificates_are_what_strict_clients_demand()
    {
        using var leaf = Load("localhost");
        using var authority = Authority();

        authority.Extensions.OfType<X509BasicConstraintsExtension>().Single()
            .ShouldSatisfyAllConditions(c => c.CertificateAuthority.ShouldBeTrue(), c => c.PathLengthConstraint.ShouldBe(0), c => c.Critical.ShouldBeTrue());
        authority.Extensions.OfType<X509KeyUsageExtension>().Single().KeyUsages.HasFlag(X509KeyUsageFlags.KeyCertSign).ShouldBeTrue();
        (authority.NotAfter - authority.NotBefore).TotalDays.ShouldBeInRange(3650, 3655);
        leaf.Extensions.OfType<X509BasicConstraintsExtension>().Single().CertificateAuthority.ShouldBeFalse();
        leaf.Extensions.OfType<X509EnhancedKeyUsageExtension>().Single().EnhancedKeyUsages[0].Value.ShouldBe("1.3.6.1.5.5.7.3.1");
        leaf.Extensions.OfType<X509AuthorityKeyIdentifierExtension>().Single().KeyIdentifier.ShouldNotBeNull();
        (leaf.NotAfter - leaf.NotBefore).TotalDays.ShouldBeLessThanOrEqualTo(397);
        leaf.NotBefore.ToUniversalTime().ShouldBeLessThan(_clock.GetUtcNow().UtcDateTime);
        leaf.HasPrivateKey.ShouldBeTrue();
    }

    [Fact]
    public void Keys_are_for_the_owner_and_the_authority_is_for_everybody()
    {
        Load("localhost").Dispose();

        if (!OperatingSystem.IsWindows())
        {
            const UnixFileMode owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            File.GetUnixFileMode(Path.Combine(Tls, "ca.key")).ShouldBe(owner);
            File.GetUnixFileMode(Path.Combine(Tls, "server.key")).ShouldBe(owner);
            File.GetUnixFileMode(Path.Combine(Tls, "ca.pem")).ShouldBe(owner | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        }

        Directory.GetFiles(Tls).Select(Path.GetFileName).ShouldBe(["ca.key", "ca.pem", "server.key", "server.pem"], ignoreOrder: true);
    }

    [Fact]
    public void A_restart_changes_nothing()
    {
        using var first = Load("localhost");
        using var authority = Authority();
        _clock.Advance(TimeSpan.FromDays(365));
        using var second = Load("localhost");
        using var sameAuthority = Authority();

        second.Thumbprint.ShouldBe(first.Thumbprint);
        sameAuthority.Thumbprint.ShouldBe(authority.Thumbprint);
    }

    [Fact]
    public void A_certificate_near_its_end_is_renewed_by_the_same_authority()
    {
        using var first = Load("localhost");
        using var authority = Authority();
        _clock.Advance(TimeSpan.FromDays(367));
        using var second = Load("localhost");
        using var sameAuthority = Authority();

        second.Thumbprint.ShouldNotBe(first.Thumbprint);
        sameAuthority.Thumbprint.ShouldBe(authority.Thumbprint);
        (second.NotAfter - _clock.GetUtcNow().LocalDateTime).TotalDays.ShouldBeGreaterThan(390);
    }

    [Fact]
    public void A_certificate_for_another_host_is_replaced()
    {
        using var first = Load("localhost");
        using var second = Load("vault.example");
        using var third = Load("vault.example");

        second.MatchesHostname("vault.example").ShouldBeTrue();
        second.MatchesHostname("localhost").ShouldBeTrue();
        second.MatchesHostname("127.0.0.1").ShouldBeTrue();
        second.Thumbprint.ShouldNotBe(first.Thumbprint);
        third.Thumbprint.ShouldBe(second.Thumbprint);
    }

    [Fact]
    public void An_authority_at_its_end_is_replaced_and_until_then_no_certificate_outlives_it()
    {
        Load("localhost").Dispose();
        using var authority = Authority();
        _clock.Advance(TimeSpan.FromDays((365 * 10) - 40));
        using var last = Load("localhost");
        last.NotAfter.ShouldBeLessThanOrEqualTo(authority.NotAfter);
        Authority().Thumbprint.ShouldBe(authority.Thumbprint);

        _clock.Advance(TimeSpan.FromDays(20));
        using var renewed = Load("localhost");

        Authority().Thumbprint.ShouldNotBe(authority.Thumbprint);
        renewed.Thumbprint.ShouldNotBe(last.Thumbprint);
    }

    [Fact]
    public void Without_its_key_the_authority_serves_until_a_renewal_needs_it()
    {
        using var first = Load("localhost");
        File.Delete(Path.Combine(Tls, "ca.key"));
        using var second = Load("localhost");
        second.Thumbprint.ShouldBe(first.Thumbprint);

        _clock.Advance(TimeSpan.FromDays(380));

        Should.Throw<StartupException>(() => Load("localhost")).Message.ShouldContain("ca.key");
    }

    [Theory]
    [InlineData("server.pem")]
    [InlineData("server.key")]
    public void A_broken_server_certificate_is_made_anew(string file)
    {
        using var first = Load("localhost");
        File.WriteAllText(Path.Combine(Tls, file), "nonsense");
        using var second = Load("localhost");

        second.Thumbprint.ShouldNotBe(first.Thumbprint);
        second.HasPrivateKey.ShouldBeTrue();
    }

    [Fact]
    public void A_server_key_of_another_certificate_is_not_served_with()
    {
        Load("localhost").Dispose();
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        File.WriteAllText(Path.Combine(Tls, "server.key"), other.ExportPkcs8PrivateKeyPem());
        using var second = Load("localhost");

        second.GetECDsaPrivateKey()!.ExportSubjectPublicKeyInfo().ShouldBe(second.GetECDsaPublicKey()!.ExportSubjectPublicKeyInfo());
    }

    [Theory]
    [InlineData("ca.pem")]
    [InlineData("ca.key")]
    public void A_broken_authority_is_a_clear_refusal(string file)
    {
        Load("localhost").Dispose();
        File.WriteAllText(Path.Combine(Tls, file), "nonsense");

        Should.Throw<StartupException>(() => Load("vault.example")).Message.ShouldContain(Tls);
    }

    [Fact]
    public void An_authority_with_another_ones_key_is_a_clear_refusal()
    {
        Load("localhost").Dispose();
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        File.WriteAllText(Path.Combine(Tls, "ca.key"), other.ExportPkcs8PrivateKeyPem());

        Should.Throw<StartupException>(() => Load("vault.example")).Message.ShouldContain(Tls);
    }

    public void Dispose() => _directory.Delete(recursive: true);

    private X509Certificate2 Load(string host) => LocalCertificateAuthority.LoadOrCreate(Tls, host, _clock);

    private X509Certificate2 Authority() => X509CertificateLoader.LoadCertificateFromFile(Path.Combine(Tls, "ca.pem"));

    private static async Task ShakeHandsAsync(X509Certificate2 leaf, X509Certificate2 trusted, string host)
    {
        using var listener = new TcpListener(IPAddress.Loopback, port: 0);
        listener.Start();
        using var client = new TcpClient();
        await client.ConnectAsync((IPEndPoint)listener.LocalEndpoint);
        using var served = await listener.AcceptTcpClientAsync();
        await using var server = new SslStream(served.GetStream());
        await using var caller = new SslStream(client.GetStream());
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.Add(trusted);

        var serving = server.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = leaf });
        try
        {
            await caller.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = host, CertificateChainPolicy = policy });
        }
        catch (AuthenticationException)
        {
            // The server's side of a refused handshake ends in its own way; the client's is the one that is judged.
            client.Close();
            await serving.ContinueWith(_ => { }, TaskScheduler.Default);
            throw;
        }

        await serving;
        caller.IsAuthenticated.ShouldBeTrue();
    }
}
