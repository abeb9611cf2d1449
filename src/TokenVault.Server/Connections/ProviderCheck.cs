using TokenVault.Server.Protocol;

namespace TokenVault.Server.Connections;

/// <summary>What must hold of a catalogue entry beyond its JSON form. All faults are found in one go.</summary>
internal static class ProviderCheck
{
    public static IReadOnlyList<string> Problems(IReadOnlyList<Provider> providers)
    {
        var problems = providers
            .GroupBy(p => p.Strategy, StringComparer.Ordinal)
            .Where(g => g.Count() > 1)
            .Select(g => $"{g.Key}: listed {g.Count()} times");
        return [.. problems, .. providers.SelectMany(Problems)];
    }

    private static IEnumerable<string> Problems(Provider provider) =>
        new[] { NameProblems(provider), EndpointProblems(provider), ScopeProblems(provider), ParameterProblems(provider) }
            .SelectMany(p => p)
            .Select(p => $"{provider.Strategy}: {p}");

    private static IEnumerable<string> NameProblems(Provider provider)
    {
        if (provider.Strategy.Length == 0 || !provider.Strategy.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-'))
        {
            yield return "a strategy is made of a-z, 0-9 and -";
        }

        if (string.IsNullOrWhiteSpace(provider.DisplayName))
        {
            yield return "display_name is missing";
        }
    }

    private static IEnumerable<string> EndpointProblems(Provider provider)
    {
        (string Name, string? Url)[] endpoints =
        [
            ("documentation", provider.Documentation), ("issuer", provider.Issuer), ("discovery_url", provider.DiscoveryUrl),
            ("jwks_uri", provider.JwksUri), ("authorization_endpoint", provider.AuthorizationEndpoint),
            ("token_endpoint", provider.TokenEndpoint), ("refresh_endpoint", provider.RefreshEndpoint),
            ("userinfo_endpoint", provider.UserinfoEndpoint), ("revocation_endpoint", provider.RevocationEndpoint),
        ];
        foreach (var (name, url) in endpoints)
        {
            if (url is not null && (!UpstreamUrl.TryParse(url, out var parsed, out _) || parsed.Scheme != Uri.UriSchemeHttps))
            {
                yield return $"{name} is not a plain https URL";
            }
        }

        var complete = provider.DiscoveryUrl is not null || provider is { AuthorizationEndpoint: not null, TokenEndpoint: not null };
        if (!provider.Custom && !complete)
        {
            yield return "authorization_endpoint and token_endpoint, or discovery_url, are needed";
        }

        if (provider is { Custom: false, OpenIdConnect: true, Issuer: null })
        {
            yield return "open_id_connect needs an issuer";
        }
    }

    private static IEnumerable<string> ScopeProblems(Provider provider)
    {
        foreach (var scope in provider.DefaultScopes.Concat(provider.RequiredScopes).Where(s => !Scope.IsToken(s)))
        {
            yield return $"'{scope}' is no scope";
        }

        if (provider.OpenIdConnect && !provider.RequiredScopes.Contains(Wire.OpenId, StringComparer.Ordinal))
        {
            yield return "open_id_connect needs openid among required_scopes";
        }

        if (provider.ScopeSeparator is not (" " or ","))
        {
            yield return "scope_separator is a space or a comma";
        }
    }

    private static IEnumerable<string> ParameterProblems(Provider provider)
    {
        foreach (var name in provider.AuthorizeParams.Keys.Where(AuthorizationUrl.IsReserved))
        {
            yield return $"authorize_params may not set {name}";
        }

        if (provider.UserIdPaths.Count == 0)
        {
            yield return "user_id_paths is empty";
        }

        if (provider.AccessTokenLifetime is <= 0)
        {
            yield return "access_token_lifetime is not positive";
        }
    }
}
