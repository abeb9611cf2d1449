using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using TokenVault.Server.Keys;

namespace TokenVault.Server.Clients;

/// <summary>
/// Client authentication by the certificate of the TLS connection (RFC 8705 §2): by the name that one of the operator's authorities has
/// certified, or by the very certificate that the client has registered (T-CA-09).
/// </summary>
internal sealed class CertificateVerifier(TokenVaultOptions options, TimeProvider time)
{
    /// <summary>What a certificate that says what it is for must be for.</summary>
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    private readonly X509Certificate2Collection _authorities = Authorities(options.Mtls.CertificateAuthorityFile);

    /// <returns>Why it does not prove the client; "" when it does. For the log only.</returns>
    public string Verify(Client client, X509Certificate2? certificate)
    {
        var now = time.GetUtcNow();
        if (certificate is null)
        {
            return "there is no client certificate";
        }

        if (certificate.NotBefore.ToUniversalTime() > now.UtcDateTime || certificate.NotAfter.ToUniversalTime() < now.UtcDateTime)
        {
            return "the client certificate is not valid at this time";
        }

        var credentials = client.AuthenticationCredentials.Select(client.Credential).OfType<ClientCredential>().Where(credential => credential.IsAlive(now)).ToList();
        if (client.TokenEndpointAuthMethod == Client.SelfSignedTls)
        {
            var thumbprint = CertificateThumbprint.Of(certificate);
            return credentials.Any(credential => credential.CredentialType == ClientCredential.Certificate && credential.CertificateThumbprint == thumbprint)
                ? ""
                : "the client certificate is not one that the client has registered";
        }

        if (SubjectName.Of(certificate) is not { } name
            || !credentials.Any(credential => credential.CredentialType == ClientCredential.CertifiedName && credential.Subject == name))
        {
            return "the client certificate has another subject";
        }

        return IsCertified(certificate, now) ? "" : "the client certificate does not lead to an authority that is trusted for it";
    }

    private bool IsCertified(X509Certificate2 certificate, DateTimeOffset now)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(_authorities.Where(IsRoot).ToArray());
        chain.ChainPolicy.ExtraStore.AddRange(_authorities.Where(authority => !IsRoot(authority)).ToArray());
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid(ClientAuthentication));
        chain.ChainPolicy.VerificationTime = now.UtcDateTime;

        // A stranger's certificate names addresses to ask: none of them is (T-UP-01).
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        return chain.Build(certificate);
    }

    private static bool IsRoot(X509Certificate2 authority) => authority.SubjectName.RawData.AsSpan().SequenceEqual(authority.IssuerName.RawData);

    private static X509Certificate2Collection Authorities(string? file)
    {
        var authorities = new X509Certificate2Collection();
        if (file is not null)
        {
            authorities.ImportFromPemFile(file);
        }

        return authorities;
    }
}
