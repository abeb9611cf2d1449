using System.Globalization;
using TokenVault.Server.Http;
using TokenVault.Server.Keys.Jose;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Clients;

/// <summary>What a body may say about a credential.</summary>
internal static class ClientCredentialBody
{
    private const int LongestName = 128;

    public static ClientCredential Read(BodyReader body, DateTimeOffset now)
    {
        var type = body.OneOf(
            "credential_type", ClientCredential.PublicKey, ClientCredential.PublicKey,
            ClientCredential.PublicKey, ClientCredential.CertifiedName, ClientCredential.Certificate);
        var name = body.Text("name", current: null, LongestName);
        var pem = body.Lines("pem", PublicKeyPem.Longest);
        var alg = body.OneOf("alg", "", "", [.. ClientCredential.Algorithms]);
        var kid = body.Text("kid", current: null, 128, kid => JwsHeader.IsKeyId(kid) ? null : "A kid has letters, digits, '.', '_' and '-'");
        var subject = body.Text("subject_dn", current: null, 256, SubjectProblem);
        var fromCertificate = body.Flag("parse_expiry_from_cert", current: false, fallback: false);
        var credential = new ClientCredential
        {
            Id = Identifier.ClientCredential(),
            Name = name,
            CredentialType = type,
            CreatedAt = now,
            UpdatedAt = now,
            EndsAt = ReadEnd(body, current: null, now),
        };
        if (body.Failing)
        {
            return credential;
        }

        if (type == ClientCredential.CertifiedName && pem is null)
        {
            if (subject is null)
            {
                body.Refuse("Missing required property: subject_dn", "");
            }

            return credential with { Subject = subject is null ? null : SubjectName.Canonical(subject), SubjectDn = subject };
        }

        return ReadKey(body, credential, pem, alg, kid, fromCertificate);
    }

    /// <summary>The one member that can be changed; <c>null</c> takes the end away.</summary>
    public static DateTimeOffset? ReadEnd(BodyReader body, DateTimeOffset? current, DateTimeOffset now)
    {
        var text = body.Text("expires_at", current is { } end ? WireJson.Date(end) : null, 40, value => Date(value) switch
        {
            null => "Expected a date as in RFC 3339",
            { } date when date <= now && date != current => "The date is past",
            _ => null,
        });
        return text is null ? null : Date(text);
    }

    private static ClientCredential ReadKey(BodyReader body, ClientCredential credential, string? pem, string alg, string? kid, bool fromCertificate)
    {
        var problem = "Missing required property: pem";
        var key = pem is null ? null : PublicKeyPem.Read(pem, out problem);
        if (key is null)
        {
            body.Refuse(problem, pem is null ? "" : "pem");
            return credential;
        }

        using var certificate = key.Certificate;
        if (certificate is null && (fromCertificate || credential.CredentialType != ClientCredential.PublicKey))
        {
            body.Refuse("Expected a certificate", "pem");
            return credential;
        }

        if (fromCertificate)
        {
            credential = credential with { EndsAt = new DateTimeOffset(certificate!.NotAfter.ToUniversalTime()) };
            if (credential.EndsAt <= credential.CreatedAt)
            {
                body.Refuse("The certificate has ended", "pem");
            }
        }

        if (credential.CredentialType == ClientCredential.CertifiedName)
        {
            var subject = SubjectName.Of(certificate!);
            if (subject is null)
            {
                body.Refuse("The certificate has no subject that can be compared", "pem");
            }

            return credential with { Subject = subject, SubjectDn = certificate!.Subject };
        }

        if (credential.CredentialType == ClientCredential.Certificate)
        {
            return credential with { KeyThumbprint = key.Thumbprint, CertificateThumbprint = Keys.CertificateThumbprint.Of(certificate!) };
        }

        var algorithm = alg.Length > 0 ? alg : key.IsRsa ? "RS256" : "ES256";
        if (!key.Fits(algorithm))
        {
            body.Refuse("The key does not fit the algorithm", "alg");
        }

        return credential with { Alg = algorithm, Kid = kid ?? key.Thumbprint, Spki = key.Spki, KeyThumbprint = key.Thumbprint };
    }

    private static DateTimeOffset? Date(string text) =>
        DateTimeOffset.TryParseExact(
            text, ["yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK"], CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var date) ? date : null;

    private static string? SubjectProblem(string subject) => SubjectName.IsReadable(subject) ? null : "Expected a distinguished name, as in CN=worker,O=Example";
}
