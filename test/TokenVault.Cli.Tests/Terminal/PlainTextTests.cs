using TokenVault.Cli.Terminal;

namespace TokenVault.Cli.Tests.Terminal;

public sealed class PlainTextTests
{
    [Theory]
    [InlineData("\u001b[2Jgone", "\uFFFD[2Jgone")] // CSI: clears the screen
    [InlineData("\u001b]0;title\u0007", "\uFFFD]0;title\uFFFD")] // OSC: renames the window
    [InlineData("\u009b31mred", "\uFFFD31mred")] // the C1 form of CSI
    [InlineData("a\rb\nc\td\b", "a\uFFFDb\uFFFDc\uFFFDd\uFFFD")]
    [InlineData("\u202Egnp.exe", "\uFFFDgnp.exe")] // right-to-left override
    [InlineData("\u2066a\u2069\u200F", "\uFFFDa\uFFFD\uFFFD")]
    [InlineData("\u200B\uFEFF\u00AD", "\uFFFD\uFFFD\uFFFD")]
    [InlineData("\u2028\u2029", "\uFFFD\uFFFD")]
    [InlineData("Grüße, 世界 🎉", "Grüße, 世界 🎉")]
    public void T_CL_03_foreign_text_cannot_control_the_terminal(string text, string shown) => PlainText.Of(text).ShouldBe(shown);

    [Fact]
    public void T_CL_03_foreign_text_cannot_flood_it() => PlainText.Of(new string('a', 1_000_000)).Length.ShouldBeLessThan(2100);
}
