using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace TokenVault.Server;

/// <summary>What must hold among the settings of mutual TLS.</summary>
internal static class MtlsValidation
{
    public static IEnumerable<string> Check(TokenVaultOptions options)
    {
        var mtls = options.Mtls;
        if (mtls.Alias is null)
        {
            if (mtls.Port != 0 || mtls.Header is not null || mtls.CertificateAuthorityFile is not null)
            {
                yield return $"{OptionsValidation.Name("Mtls")} needs {OptionsValidation.Name("Mtls:Alias")}: where clients with a certificate call.";
            }

            yield break;
        }

        if (OptionsValidation.IssuerProblem(mtls.Alias) is { } problem)
        {
            yield return $"{OptionsValidation.Name("Mtls:Alias")} {problem} It is '{mtls.Alias}'.";
        }
        else if (mtls.Alias == options.Issuer)
        {
            yield return $"{OptionsValidation.Name("Mtls:Alias")} must be another address than the issuer: browsers call that one.";
        }

        foreach (var error in CheckSource(options))
        {
            yield return error;
        }

        if (mtls.CertificateAuthorityFile is { } file && !HoldsCertificates(file))
        {
            yield return $"{OptionsValidation.Name("Mtls:CertificateAuthorityFile")}: '{file}' holds no certificates in PEM.";
        }
    }

    private static IEnumerable<string> CheckSource(TokenVaultOptions options)
    {
        var mtls = options.Mtls;
        if ((mtls.Port == 0) == (mtls.Header is null))
        {
            yield return $"{OptionsValidation.Name("Mtls")} needs either {OptionsValidation.Name("Mtls:Port")} or {OptionsValidation.Name("Mtls:Header")}: where the certificate comes from.";
        }

        if (mtls.Port != 0 && options.Proxy.PlainHttp)
        {
            yield return $"{OptionsValidation.Name("Mtls:Port")} and {OptionsValidation.Name("Proxy:PlainHttp")} exclude each other: without TLS there is no certificate.";
        }

        if (mtls.Port == new Uri(OptionsValidation.IssuerProblem(options.Issuer) is null ? options.Issuer : "https://localhost/").Port)
        {
            yield return $"{OptionsValidation.Name("Mtls:Port")} must be another port than the issuer's: browsers call that one.";
        }

        if (mtls.Header is not null && options.Proxy.TrustedNetworks.Count == 0)
        {
            yield return $"{OptionsValidation.Name("Mtls:Header")} needs {OptionsValidation.Name("Proxy:TrustedNetworks")}: whose header counts.";
        }
    }

    private static bool HoldsCertificates(string file)
    {
        try
        {
            var certificates = new X509Certificate2Collection();
            certificates.ImportFromPemFile(file);
            return certificates.Count > 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            return false;
        }
    }
}
