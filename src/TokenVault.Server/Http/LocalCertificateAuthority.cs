using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using TokenVault.Server.Keys;

namespace TokenVault.Server.Http;

/// <summary>
/// HTTPS on one's own machine without a certificate at hand: a certificate authority of this installation alone, and a server
/// certificate by it. Clients trust <c>ca.pem</c>, which stays the same over restarts and renewals.
/// </summary>
internal static class LocalCertificateAuthority
{
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";

    private static readonly TimeSpan RenewBefore = TimeSpan.FromDays(30);

    // Browsers and operating systems refuse server certificates of more than 398 days.
    private static readonly TimeSpan LeafLifetime = TimeSpan.FromDays(396);

    // For clients whose clocks are behind.
    private static readonly TimeSpan Backdating = TimeSpan.FromHours(1);

    /// <summary>The server certificate with its key; made, or made anew, when there is none that will do.</summary>
    /// <param name="tlsDirectory">Holds <c>ca.pem</c>, <c>ca.key</c>, <c>server.pem</c>, <c>server.key</c>.</param>
    /// <param name="host">The issuer's host, for which the certificate must serve beside localhost.</param>
    /// <param name="time">The clock of the clients, which is the system's unless they share another.</param>
    /// <exception cref="StartupException">The files cannot be read or written, or the authority is there without its key.</exception>
    public static X509Certificate2 LoadOrCreate(string tlsDirectory, string host, TimeProvider time)
    {
        try
        {
            Directory.CreateDirectory(tlsDirectory);
            return LoadOrCreate(new Files(tlsDirectory), host.Trim('[', ']'), time.GetUtcNow());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            throw new StartupException(
                $"The local certificate authority in '{tlsDirectory}' cannot be used: {e.Message} Remove the directory to have a new one, which clients must then trust.",
                e);
        }
    }

    private static X509Certificate2 LoadOrCreate(Files files, string host, DateTimeOffset now)
    {
        using var trusted = File.Exists(files.Authority) ? X509CertificateLoader.LoadCertificateFromFile(files.Authority) : null;
        var authorityServes = trusted is not null && Serves(trusted, now);
        if (authorityServes && LoadLeaf(files) is { } leaf)
        {
            if (Serves(leaf, now) && leaf.MatchesHostname(host, allowWildcards: false, allowCommonName: false) && IsBy(leaf, trusted!, now))
            {
                return Usable(leaf);
            }

            leaf.Dispose();
        }

        if (authorityServes && !File.Exists(files.AuthorityKey))
        {
            throw new IOException($"The server certificate needs renewal, and the authority's key '{files.AuthorityKey}' is not there.");
        }

        using var authority = authorityServes
            ? X509Certificate2.CreateFromPemFile(files.Authority, files.AuthorityKey)
            : CreateAuthority(files, now);
        return Usable(CreateLeaf(files, authority, host, now));
    }

    /// <summary>Null when there is none, or none that can be read: another one is made then, and nobody has to trust it anew.</summary>
    private static X509Certificate2? LoadLeaf(Files files)
    {
        try
        {
            return File.Exists(files.Leaf) && File.Exists(files.LeafKey) ? X509Certificate2.CreateFromPemFile(files.Leaf, files.LeafKey) : null;
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            // An ArgumentException says that the key is another certificate's.
            return null;
        }
    }

    private static bool Serves(X509Certificate2 certificate, DateTimeOffset now) =>
        certificate.NotBefore.ToUniversalTime() <= now.UtcDateTime
        && certificate.NotAfter.ToUniversalTime() - now.UtcDateTime >= RenewBefore;

    private static bool IsBy(X509Certificate2 leaf, X509Certificate2 authority, DateTimeOffset now)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationTime = now.UtcDateTime;
        return chain.Build(leaf);
    }

    private static X509Certificate2 CreateAuthority(Files files, DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

        // A name of its own, so that two installations trusted by one client are not taken for each other.
        var name = $"CN=Token Vault local authority {Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}";
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: true, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        var authority = request.CreateSelfSigned(now - Backdating, now.AddYears(10));
        Save(files.Authority, files.AuthorityKey, authority, key);
        return authority;
    }

    private static X509Certificate2 CreateLeaf(Files files, X509Certificate2 authority, string host, DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Token Vault", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(ServerAuthentication)], critical: false));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(authority, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        request.CertificateExtensions.Add(Names(host));

        // Neither end may lie outside the authority's own validity.
        var begin = new DateTimeOffset(authority.NotBefore.ToUniversalTime());
        var end = new DateTimeOffset(authority.NotAfter.ToUniversalTime());
        var notBefore = now - Backdating > begin ? now - Backdating : begin;
        var notAfter = now + LeafLifetime < end ? now + LeafLifetime : end;
        using var leaf = request.Create(authority, notBefore, notAfter, SerialNumber());
        Save(files.Leaf, files.LeafKey, leaf, key);
        return leaf.CopyWithPrivateKey(key);
    }

    private static X509Extension Names(string host)
    {
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        names.AddIpAddress(IPAddress.IPv6Loopback);

        // Only an address in its canonical spelling is one; everything else is a name.
        if (!IPAddress.TryParse(host.AsSpan(), out var address) || address.ToString() != host)
        {
            if (host != "localhost")
            {
                names.AddDnsName(host);
            }
        }
        else if (!IPAddress.IsLoopback(address))
        {
            names.AddIpAddress(address);
        }

        return names.Build();
    }

    /// <summary>RFC 5280 §4.1.2.2: positive, at most 20 octets; ours are random.</summary>
    private static byte[] SerialNumber()
    {
        var serial = RandomNumberGenerator.GetBytes(16);
        serial[0] = (byte)((serial[0] & 0x7F) | 0x40);
        return serial;
    }

    /// <summary>The key first: a certificate without its key would be taken for a fault, a key without its certificate is just replaced.</summary>
    private static void Save(string certificateFile, string keyFile, X509Certificate2 certificate, ECDsa key)
    {
        PrivateFile.Write(keyFile, Encoding.ASCII.GetBytes(key.ExportPkcs8PrivateKeyPem() + "\n"), PrivateFile.OwnerReadsAndWrites, replace: true);
        PrivateFile.Write(certificateFile, Encoding.ASCII.GetBytes(certificate.ExportCertificatePem() + "\n"), PrivateFile.EverybodyReads, replace: true);
    }

    /// <summary>Windows' TLS does not take a key that lives in memory alone.</summary>
    private static X509Certificate2 Usable(X509Certificate2 certificate)
    {
        if (!OperatingSystem.IsWindows())
        {
            return certificate;
        }

        using (certificate)
        {
            return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), password: null);
        }
    }

    private sealed record Files(string Directory)
    {
        public string Authority => Path.Combine(Directory, "ca.pem");

        public string AuthorityKey => Path.Combine(Directory, "ca.key");

        public string Leaf => Path.Combine(Directory, "server.pem");

        public string LeafKey => Path.Combine(Directory, "server.key");
    }
}
