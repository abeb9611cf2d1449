using TokenVault.Server.Connections.Quirks;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Connections;

/// <summary>What must hold of a catalogue entry beyond its JSON form. All faults are found in one go.</summary>
internal static class ProviderCheck
{
    /// <summary>What an exchange's answer has already, or what must not be told at all.</summary>
    private static readonly string[] NeverKept =
        ["access_token", "refresh_token", "id_token", "token_type", "expires_in", "scope", "issued_token_type", "error", "code", "state"];

    private static readonly string[] FlowFields =
        ["grant_type", "code", "redirect_uri", "code_verifier", "refresh_token", "client_id", "client_secret"];

    public static IReadOnlyList<string> Problems(IReadOnlyList<Provider> providers)
    {
        var problems = providers
            .GroupBy(p => p.Strategy, StringComparer.Ordinal)
            .Where(g => g.Count() > 1)
            .Select(g => $"{g.Key}: listed {g.Count()} times");
        return [.. problems, .. providers.SelectMany(Problems)];
    }

    private static IEnumerable<string> Problems(Provider entry)
    {
        var variables = VariableProblems(entry).ToList();
        var provider = variables.Count == 0 ? ProviderVariables.Complete(entry, Examples(entry), out _)! : entry;
        return variables.Concat(NameProblems(provider))
            .Concat(EndpointProblems(provider))
            .Concat(CompletenessProblems(provider))
            .Concat(ScopeProblems(provider))
            .Concat(ParameterProblems(provider))
            .Select(p => $"{provider.Strategy}: {p}");
    }

    private static Dictionary<string, string> Examples(Provider provider) =>
        provider.Variables.ToDictionary(variable => variable.Name, variable => variable.Example, StringComparer.Ordinal);

    private static IEnumerable<string> VariableProblems(Provider provider)
    {
        foreach (var variable in provider.Variables)
        {
            if (!variable.Name.All(c => char.IsAsciiLetterLower(c) || c is '_'))
            {
                yield return $"'{variable.Name}' is no name of a variable";
            }

            foreach (var value in new[] { variable.Example, variable.Default }.OfType<string>())
            {
                if (ProviderVariables.Problem(variable, value) is { } problem)
                {
                    yield return problem;
                }
            }
        }

        if (provider.Variables.DistinctBy(variable => variable.Name).Count() != provider.Variables.Count)
        {
            yield return "a variable is listed twice";
        }
    }

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

        foreach (var quirk in provider.Quirks.Where(name => KnownQuirks.Find(name) is null))
        {
            yield return $"there is no quirk '{quirk}'";
        }
    }

    private static IEnumerable<string> EndpointProblems(Provider provider)
    {
        (string Name, string? Url)[] endpoints =
        [
            ("documentation", provider.Documentation.Split('#')[0]), ("discovery_url", provider.DiscoveryUrl), ("jwks_uri", provider.JwksUri),
            ("authorization_endpoint", provider.AuthorizationEndpoint), ("token_endpoint", provider.TokenEndpoint),
            ("refresh_endpoint", provider.RefreshEndpoint), ("user.endpoint", provider.User?.Endpoint),
            ("revocation.endpoint", provider.Revocation?.Endpoint.Replace("{client_id}", "id", StringComparison.Ordinal)),
            ("issuer", provider.Issuer?.Replace($"{{{provider.IssuerClaim}}}", "id", StringComparison.Ordinal)),
        ];
        foreach (var (name, url) in endpoints)
        {
            var plain = url is null
                || (UpstreamUrl.TryParse(url, out var parsed, out _) && parsed.Scheme == Uri.UriSchemeHttps && url.AsSpan().IndexOfAny('{', '}') < 0);
            if (!plain)
            {
                yield return $"{name} is not a plain https URL";
            }
        }
    }

    private static IEnumerable<string> CompletenessProblems(Provider provider)
    {
        if (provider.Custom)
        {
            yield break;
        }

        if (provider.DiscoveryUrl is null && provider is not { AuthorizationEndpoint: not null, TokenEndpoint: not null })
        {
            yield return "authorization_endpoint and token_endpoint, or discovery_url, are needed";
        }

        if (provider.TokenEndpointAuthMethod is null)
        {
            yield return "token_endpoint_auth_method is missing";
        }

        if (provider.RotationClass == RotationClass.Unknown)
        {
            yield return "rotation_class is not known";
        }

        if (provider.Downscope == Downscope.Refresh && provider.RotationClass != RotationClass.Stable)
        {
            yield return "downscope by refresh needs a stable rotation_class";
        }

        if (provider is { OpenIdConnect: true, Issuer: null } or { OpenIdConnect: true, User: not null })
        {
            yield return "open_id_connect needs an issuer, and no user";
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

        // To repeat the redirect URI in a refresh is 37signals' wish.
        foreach (var name in provider.TokenParams.Keys.Concat(provider.RefreshParams.Keys.Where(n => n != "redirect_uri")).Intersect(FlowFields))
        {
            yield return $"token_params and refresh_params may not set {name}";
        }

        foreach (var name in provider.KeptMembers.Intersect(NeverKept, StringComparer.Ordinal))
        {
            yield return $"{name} is not to be kept";
        }

        if (provider.User is { Id.Count: 0 })
        {
            yield return "user.id is empty";
        }

        if (provider.AccessTokenLifetime is <= 0 || provider.RefreshTokenDays is <= 0)
        {
            yield return "a lifetime is not positive";
        }
    }
}
