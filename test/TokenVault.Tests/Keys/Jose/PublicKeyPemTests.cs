using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using TokenVault.Server.Clients;
using TokenVault.Server.Keys.Jose;

namespace TokenVault.Tests.Keys.Jose;

public class PublicKeyPemTests
{
    /// <summary>Keys and certificates with an octet changed, cut off or put in: read or refused, never an accident.</summary>
    [Fact]
    public void T_PW_12_whatever_somebody_uploads_is_read_or_refused()
    {
        var random = new Random(6);
        using var rsa = RSA.Create(2048);
        using var ec = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var from = new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);
        using var certificate = new CertificateRequest("CN=worker, O=Example", ec, HashAlgorithmName.SHA256).CreateSelfSigned(from, from.AddDays(1));
        (string Label, byte[] Der)[] good = [("PUBLIC KEY", rsa.ExportSubjectPublicKeyInfo()), ("PUBLIC KEY", ec.ExportSubjectPublicKeyInfo()), ("RSA PUBLIC KEY", rsa.ExportRSAPublicKey()), ("CERTIFICATE", certificate.RawData)];
        foreach (var (label, der) in good)
        {
            PublicKeyPem.Read(PemEncoding.WriteString(label, der), out _).ShouldNotBeNull();
            for (var i = 0; i < 500; i++)
            {
                var spoilt = Spoil(der, random);
                var key = PublicKeyPem.Read(PemEncoding.WriteString(label, spoilt), out var problem);
                (key is null).ShouldBe(problem.Length > 0);
                using var read = key?.Certificate;
                if (read is not null)
                {
                    SubjectName.Of(read).ShouldNotBe("");
                }
            }
        }
    }

    /// <summary>Mostly near the front, where the structure is.</summary>
    private static byte[] Spoil(byte[] der, Random random)
    {
        var at = random.Next(random.Next(2) == 0 ? Math.Min(64, der.Length) : der.Length);
        return random.Next(4) switch
        {
            0 => [.. der[..at], .. der[(at + 1)..]],
            1 => [.. der[..at], (byte)random.Next(256), .. der[at..]],
            _ => [.. der[..at], (byte)random.Next(256), .. der[(at + 1)..]],
        };
    }
}
