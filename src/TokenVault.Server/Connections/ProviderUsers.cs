using System.Net;
using System.Net.Http.Headers;
using System.Text;
using TokenVault.Server.Keys;

namespace TokenVault.Server.Connections;

/// <summary>Finds out whose tokens they are: from the id_token, the token answer or the userinfo endpoint, as the catalogue says.</summary>
internal sealed class ProviderUsers(UpstreamHttp http, IdTokenVerifier idTokens)
{
    private const string Endpoint = "the userinfo endpoint";

    /// <summary>No value and no failure: the provider has no way to say it.</summary>
    public async Task<ProviderResult<ProviderIdentity>> FindAsync(
        ProviderTarget target, ProviderTokenResponse response, RedeemUpstream request, CancellationToken cancellationToken)
    {
        if (target.Provider.OpenIdConnect)
        {
            return response.IdToken is { } idToken
                ? await idTokens.VerifyAsync(idToken, target, request.Nonce, cancellationToken)
                : Failed(ProviderFailureKind.IdentityRejected, "the provider sent no id_token");
        }

        if (target.Provider.User is not { } lookup)
        {
            return new(null, null);
        }

        if (target.Endpoints.UserinfoEndpoint is not null)
        {
            return await AskAsync(target, lookup, response.Tokens.AccessToken, request, cancellationToken);
        }

        // A custom provider without a userinfo endpoint is not known to name its users in token answers.
        return target.Provider.Custom ? new(null, null) : Read(target, lookup, "the token answer", response.Members.At, request);
    }

    /// <summary>Whether the id_token of a refresh speaks of another account (T-UP-08); null when nothing says so.</summary>
    public async Task<ProviderFailure?> CompareAsync(ProviderTarget target, ProviderTokenResponse response, ProviderIdentity? expected) =>
        expected is not null && target.Provider.OpenIdConnect && response.IdToken is { } idToken
            ? await idTokens.CompareAsync(idToken, target.Endpoints, target.Registration.ClientId, expected)
            : null;

    private async Task<ProviderResult<ProviderIdentity>> AskAsync(
        ProviderTarget target, UserLookup lookup, Secret accessToken, RedeemUpstream redeem, CancellationToken cancellationToken)
    {
        if (!UpstreamUrl.TryParse(target.Endpoints.UserinfoEndpoint, out var endpoint, out var problem))
        {
            return Failed(ProviderFailureKind.Misconfigured, $"{Endpoint} {problem}");
        }

        using var request = Request(endpoint, target, lookup, accessToken);
        var (answer, failure) = await http.SendAsync(request, UpstreamHttp.DefaultLimit, cancellationToken);
        if (answer is null)
        {
            return new(null, failure! with { Detail = $"{Endpoint}: {failure.Detail}" });
        }

        if (answer.Status is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden or HttpStatusCode.NotFound)
        {
            return Failed(ProviderFailureKind.Misconfigured, $"{Endpoint} answered {(int)answer.Status}");
        }

        return answer.Status == HttpStatusCode.OK && UpstreamJson.Object(answer.Body) is { } json
            ? Read(target, lookup, Endpoint, path => json.At(path), redeem)
            : Failed(ProviderFailureKind.Unavailable, $"{Endpoint} answered {(int)answer.Status} without JSON", answer.RetryAfter);
    }

    private static HttpRequestMessage Request(Uri endpoint, ProviderTarget target, UserLookup lookup, Secret accessToken)
    {
        var request = new HttpRequestMessage(lookup.Body is null ? HttpMethod.Get : HttpMethod.Post, endpoint);
        if (lookup.Body is { } body)
        {
            request.Content = TokenRequest.Json(Encoding.UTF8.GetBytes(body));
        }

        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", accessToken.Reveal());
        TokenRequest.AddHeaders(request, target.Provider.RequestHeaders, value => value);
        TokenRequest.AddHeaders(request, lookup.Headers, value => value
            .Replace("{access_token}", accessToken.Reveal(), StringComparison.Ordinal)
            .Replace("{client_id}", target.Registration.ClientId, StringComparison.Ordinal));
        return request;
    }

    private static ProviderResult<ProviderIdentity> Read(
        ProviderTarget target, UserLookup lookup, string place, Func<string, string?> find, RedeemUpstream redeem)
    {
        if (lookup.Id.Select(find).FirstOrDefault(id => id is not null) is not { } subject || !ProviderIdentity.IsSubject(subject))
        {
            return Failed(ProviderFailureKind.Misconfigured, $"{place} names no user under {string.Join(", ", lookup.Id)}");
        }

        var issuer = target.Endpoints.Issuer ?? new Uri(target.Endpoints.TokenEndpoint!).GetLeftPart(UriPartial.Authority);
        if (lookup.Tenant is { } path)
        {
            if ((find(path) ?? redeem.CallbackParameter(path)) is not { } tenant || !ProviderIdentity.IsSubject(tenant))
            {
                return Failed(ProviderFailureKind.Misconfigured, $"{place} names no {path}");
            }

            issuer = $"{issuer}/{Uri.EscapeDataString(tenant)}";
        }

        var email = lookup.Email.Select(find).FirstOrDefault(text => text is not null);
        return new(new ProviderIdentity(issuer, subject, ProviderIdentity.IsSubject(email) ? email : null), null);
    }

    private static ProviderResult<ProviderIdentity> Failed(ProviderFailureKind kind, string detail, TimeSpan? retryAfter = null) =>
        new(null, new ProviderFailure(kind, detail, retryAfter));
}
