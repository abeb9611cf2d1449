using System.Text;
using TokenVault.Server.Connections;
using TokenVault.Tests.Conventions;

namespace TokenVault.Tests.Connections;

/// <summary>docs/providers.md is made from the catalogue: it cannot say anything else. UPDATE_GOLDEN=1 writes it anew.</summary>
public sealed class ProviderPageTests
{
    private const string Begin = "<!-- made from the catalogue -->";
    private const string End = "<!-- end -->";

    [Fact]
    public void The_page_says_what_the_catalogue_says()
    {
        var file = Path.Combine(SourceTree.Root, "docs", "providers.md");
        var page = File.ReadAllText(file);
        var (begin, end) = (page.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length, page.IndexOf(End, StringComparison.Ordinal));
        var expected = $"{page[..begin]}\n\n{Table()}\n{page[end..]}";
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            File.WriteAllText(file, expected);
            return;
        }

        page.ShouldBe(expected, "UPDATE_GOLDEN=1 writes the page anew");
    }

    private static string Table()
    {
        var providers = ProviderCatalog.Load().All.Where(provider => !provider.Custom).OrderBy(provider => provider.DisplayName, StringComparer.OrdinalIgnoreCase);
        var table = new StringBuilder("| Provider | `strategy` | Refresh tokens | Revocation | What to know |\n|---|---|---|---|---|\n");
        foreach (var provider in providers)
        {
            table.Append($"| [{provider.DisplayName}]({provider.Documentation}) | `{provider.Strategy}` | {Refresh(provider)} | {Revocation(provider)} | {Notes(provider)} |\n");
        }

        return table.ToString();
    }

    private static string Refresh(Provider provider)
    {
        var kind = provider.RotationClass switch
        {
            RotationClass.Stable => "stable",
            RotationClass.Overlap => "rotating, the old one lives on for a while",
            RotationClass.Replay => "rotating, the old one may be repeated",
            RotationClass.SingleUse => "single use",
            RotationClass.FamilyRevoking => "single use, a second use ends the grant",
            _ => "none",
        };
        return provider.RefreshTokenDays is { } days ? $"{kind}; {days} days unused" : kind;
    }

    private static string Revocation(Provider provider) => provider.Revocation switch
    {
        null => "none",
        { Token: RevocationToken.AccessToken } when provider.RotationClass != RotationClass.None => "yes, with a fresh access token",
        _ => "yes",
    };

    private static string Notes(Provider provider)
    {
        var variables = provider.Variables.Select(variable =>
            $"Option `{variable.Name}`, such as `{variable.Example}`{(variable.Default is { } fallback ? $"; `{fallback}` without it" : ", is required")}.");
        var scopes = provider.RequiredScopes.Count == 0 ? [] : (string[])[$"Always asked for: {string.Join(' ', provider.RequiredScopes.Select(scope => $"`{scope}`"))}."];
        var kept = provider.KeptMembers.Count == 0 ? [] : (string[])[$"Exchanges carry {string.Join(", ", provider.KeptMembers.Select(member => $"`{member}`"))}."];
        return string.Join(' ', provider.Notes.Concat(variables).Concat(scopes).Concat(kept)).Replace("|", "\\|", StringComparison.Ordinal);
    }
}
