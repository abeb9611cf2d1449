using System.Text.RegularExpressions;
using TokenVault.Server.Demo;
using TokenVault.Server.Users.Factors;
using TokenVault.Testing;

namespace TokenVault.Tests.Flows.Factors;

/// <summary>A person's authenticator app, which was set up by typing the page's key into it.</summary>
internal sealed class Phone(byte[] secret, VaultClock clock)
{
    private const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

    public static Phone SetUpFrom(Visit page, VaultClock clock)
    {
        var key = Regex.Match(page.Html, "<code id=\"key\">([A-Z2-7 ]+)</code>").Groups[1].Value.Replace(" ", "");
        key.Length.ShouldBe(32, page.Html);
        var bits = string.Concat(key.Select(character => Convert.ToString(Alphabet.IndexOf(character), 2).PadLeft(5, '0')));
        return new Phone([.. bits.Chunk(8).Select(octet => Convert.ToByte(new string(octet), 2))], clock);
    }

    public byte[] Secret => secret;

    /// <param name="steps">How many half minutes its clock is ahead.</param>
    public string Code(int steps = 0) => Totp.CodeAt(secret, Totp.StepAt(clock.GetUtcNow()) + steps);

    /// <summary>Neither of this nor of a neighbouring step.</summary>
    public string WrongCode() =>
        Enumerable.Range(0, 1_000_000).Select(n => n.ToString("D6", System.Globalization.CultureInfo.InvariantCulture)).First(code => code != Code() && code != Code(1) && code != Code(-1));
}
