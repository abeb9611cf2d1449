using TokenVault.Server.Connections.Quirks;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Connections;

/// <summary>Requests to a provider's token endpoint, each sent once.</summary>
internal sealed class ProviderTokenEndpoint(UpstreamHttp http)
{
    /// <summary>RFC 6749 §4.1.3. Tokens may come with a failure: that of the second request which some providers need.</summary>
    /// <param name="pkce">Whether the code challenge was sent.</param>
    public async Task<ProviderResult<ProviderTokenResponse>> RedeemAsync(
        ProviderTarget target, RedeemUpstream request, bool pkce, CancellationToken cancellationToken)
    {
        var fields = new Dictionary<string, string>(target.Provider.TokenParams, StringComparer.Ordinal)
        {
            ["grant_type"] = Wire.AuthorizationCode,
            ["code"] = request.Code,
            ["redirect_uri"] = request.RedirectUri,
        };
        if (pkce)
        {
            fields["code_verifier"] = request.CodeVerifier;
        }

        var url = target.Endpoints.TokenEndpoint;
        var redeemed = await PostAsync(target, url, fields, new SendTerms(http.Deadline), cancellationToken);
        if (redeemed.Value is not { } first || KnownQuirks.UpgradeOf(target.Provider) is not { } upgrade)
        {
            return redeemed;
        }

        // Where the trade fails, the first token is alive at the provider, and it has to be given back.
        var traded = await PostAsync(target, url, upgrade(first.Tokens.AccessToken.Reveal()), new SendTerms(http.Deadline), cancellationToken);
        return traded.Value is null ? traded with { Value = first } : traded;
    }

    /// <summary>RFC 6749 §6.</summary>
    public Task<ProviderResult<ProviderTokenResponse>> RefreshAsync(
        ProviderTarget target, RefreshUpstream request, SendTerms terms, CancellationToken cancellationToken)
    {
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in target.Provider.RefreshParams)
        {
            fields[name] = value.Replace("{redirect_uri}", request.RedirectUri, StringComparison.Ordinal);
        }

        fields["grant_type"] = Wire.RefreshToken;
        fields["refresh_token"] = request.RefreshToken.Reveal();
        if (request.Scopes is { } scopes)
        {
            fields["scope"] = Scope.Format(scopes);
        }

        return PostAsync(target, target.Endpoints.RefreshEndpoint ?? target.Endpoints.TokenEndpoint, fields, terms, cancellationToken);
    }

    private async Task<ProviderResult<ProviderTokenResponse>> PostAsync(
        ProviderTarget target, string? url, IReadOnlyDictionary<string, string> fields, SendTerms terms, CancellationToken cancellationToken)
    {
        if (!UpstreamUrl.TryParse(url, out var endpoint, out var problem))
        {
            return new(null, new ProviderFailure(ProviderFailureKind.Misconfigured, "the token endpoint " + problem));
        }

        using var request = TokenRequest.Build(endpoint, target.Registration, KnownQuirks.Apply(target.Provider, fields));
        TokenRequest.AddHeaders(request, target.Provider.RequestHeaders, value => value);
        var (answer, failure) = await http.SendAsync(request, UpstreamHttp.DefaultLimit, terms, cancellationToken);
        return answer is null ? ProviderTokenResponse.ReadBrokenOff(failure!, target.Provider) : ProviderTokenResponse.Read(answer, target.Provider);
    }
}

/// <param name="RedirectUri">Some providers want it repeated.</param>
/// <param name="Scopes">Fewer than were granted; null for all of them.</param>
internal sealed record RefreshUpstream(Secret RefreshToken, string RedirectUri, IReadOnlyList<string>? Scopes = null);
