using System.Text;
using TokenVault.Server.Users.Factors;

namespace TokenVault.Tests.Users.Factors;

public sealed class TotpTests
{
    /// <summary>RFC 6238 appendix B, SHA-1; six digits are the last six of eight.</summary>
    [Theory]
    [InlineData(59, "287082")]
    [InlineData(1111111109, "081804")]
    [InlineData(1111111111, "050471")]
    [InlineData(1234567890, "005924")]
    [InlineData(2000000000, "279037")]
    [InlineData(20000000000, "353130")]
    public void Codes_are_those_of_RFC_6238(long time, string code) =>
        Totp.CodeAt("12345678901234567890"u8, Totp.StepAt(DateTimeOffset.FromUnixTimeSeconds(time))).ShouldBe(code);

    /// <summary>RFC 4648 §10, without padding.</summary>
    [Theory]
    [InlineData("", "")]
    [InlineData("f", "MY")]
    [InlineData("fo", "MZXQ")]
    [InlineData("foo", "MZXW6")]
    [InlineData("foob", "MZXW6YQ")]
    [InlineData("fooba", "MZXW6YTB")]
    [InlineData("foobar", "MZXW6YTBOI")]
    public void Keys_are_base32(string bytes, string text) => Totp.Text(Encoding.ASCII.GetBytes(bytes)).ShouldBe(text);

    [Fact]
    public void The_key_uri_escapes_what_would_change_it() =>
        Totp.Uri("vault.example:8443", "ada&secret=x@example.com", new byte[20]).ShouldBe(
            "otpauth://totp/vault.example%3A8443:ada%26secret%3Dx%40example.com?secret=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
            + "&issuer=vault.example%3A8443&algorithm=SHA1&digits=6&period=30");
}
