using System.Text.RegularExpressions;

namespace TokenVault.Server.Connections;

/// <summary>
/// The variables of a provider's addresses: a tenant, a subdomain, a My Domain. A value can only name a place inside the provider: it is
/// checked when it is set, and again when it is used.
/// </summary>
internal static class ProviderVariables
{
    private const int Longest = 253;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>Why a value cannot be taken; null when it can.</summary>
    public static string? Problem(ProviderVariable variable, string value)
    {
        // Whatever the pattern says: nothing that ends a host or a path segment in the URL it goes into.
        var plain = value.Length is > 0 and <= Longest && value.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' or '/' or '*');

        // The patterns are ours. RegexOptions.NonBacktracking keeps tables of three megabytes for as long as the server runs.
        var matches = plain && Regex.IsMatch(value, $"^(?:{variable.Pattern})\\z", RegexOptions.CultureInvariant, Patience);
        return matches ? null : $"Not a {variable.Name}: expected something like {variable.Example}";
    }

    /// <summary>Whether a value can be the host of anybody's server, as where the provider is software that people run themselves.</summary>
    public static bool NamesAnyHost(Provider provider, ProviderVariable variable) =>
        provider.TokenEndpoint?.StartsWith($"https://{{{variable.Name}}}/", StringComparison.Ordinal) == true && Problem(variable, "host.example") is null;

    public static string? Value(ProviderVariable variable, IReadOnlyDictionary<string, string>? values) =>
        values?.GetValueOrDefault(variable.Name) ?? variable.Default;

    /// <summary>The entry with every variable filled in; null when one has no value, or a wrong one.</summary>
    public static Provider? Complete(Provider provider, IReadOnlyDictionary<string, string>? values, out string problem)
    {
        problem = "";
        if (provider.Variables.Count == 0)
        {
            return provider;
        }

        var filled = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var variable in provider.Variables)
        {
            if (Value(variable, values) is not { } value)
            {
                problem = $"the connection has no {variable.Name}";
                return null;
            }

            if (Problem(variable, value) is not null)
            {
                problem = $"the connection's {variable.Name} is not one";
                return null;
            }

            filled[variable.Name] = value;
        }

        return Fill(provider, text => Fill(text, filled));
    }

    public static string Fill(string text, IReadOnlyDictionary<string, string> values) =>
        values.Aggregate(text, (result, value) => result.Replace($"{{{value.Key}}}", value.Value, StringComparison.Ordinal));

    private static Provider Fill(Provider provider, Func<string, string> fill) => provider with
    {
        Issuer = Fill(provider.Issuer, fill),
        DiscoveryUrl = Fill(provider.DiscoveryUrl, fill),
        JwksUri = Fill(provider.JwksUri, fill),
        AuthorizationEndpoint = Fill(provider.AuthorizationEndpoint, fill),
        TokenEndpoint = Fill(provider.TokenEndpoint, fill),
        RefreshEndpoint = Fill(provider.RefreshEndpoint, fill),
        User = provider.User is { } user ? user with { Endpoint = Fill(user.Endpoint, fill) } : null,
        Revocation = provider.Revocation is { } revocation ? revocation with { Endpoint = fill(revocation.Endpoint) } : null,
        AuthorizeParams = Fill(provider.AuthorizeParams, fill),
        IdTokenClaims = Fill(provider.IdTokenClaims, fill),
    };

    private static string? Fill(string? text, Func<string, string> fill) => text is null ? null : fill(text);

    private static Dictionary<string, string> Fill(IReadOnlyDictionary<string, string> texts, Func<string, string> fill) =>
        texts.ToDictionary(text => text.Key, text => fill(text.Value), StringComparer.Ordinal);
}
