using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Users;

namespace TokenVault.Server.Connections;

/// <summary>Finds out whose tokens they are: from the id_token, the token answer or the userinfo endpoint, as the catalogue says.</summary>
internal sealed class ProviderUsers(UpstreamHttp http, IdTokenVerifier idTokens)
{
    private const string Endpoint = "the userinfo endpoint";

    /// <summary>Of OpenID Connect Core §5.1.</summary>
    private static readonly UserLookup Standard = new() { Id = ["sub"], Email = ["email"] };

    /// <summary>No value and no failure: the provider has no way to say it.</summary>
    public async Task<ProviderResult<ProviderIdentity>> FindAsync(
        ProviderTarget target, ProviderTokenResponse response, RedeemUpstream request, CancellationToken cancellationToken)
    {
        if (target.Provider.OpenIdConnect)
        {
            return await FindByIdTokenAsync(target, response, request, cancellationToken);
        }

        if (target.Provider.User is { } lookup && target.Endpoints.UserinfoEndpoint is not null)
        {
            return await AskAsync(target, lookup, response.Tokens.AccessToken, request, cancellationToken);
        }

        // A custom provider without a userinfo endpoint is not known to name its users in token answers.
        if (target.Provider is { User: { } told, Custom: false })
        {
            return Read(target, told, "the token answer", new(response.Members.At, claim => Single(response.Members.At(claim)), EmailVerified: false), request);
        }

        return target.Connection.Options.RequiredClaims is null
            ? new(null, null)
            : Failed(ProviderFailureKind.IdentityRejected, "the provider names nobody, and the connection requires claims");
    }

    private async Task<ProviderResult<ProviderIdentity>> FindByIdTokenAsync(
        ProviderTarget target, ProviderTokenResponse response, RedeemUpstream request, CancellationToken cancellationToken)
    {
        if (response.IdToken is not { } idToken)
        {
            return Failed(ProviderFailureKind.IdentityRejected, "the provider sent no id_token");
        }

        var named = await idTokens.VerifyAsync(idToken, target, request.Nonce, cancellationToken);
        var wanting = request.WantsProfile && named.Value?.Profile is { Name: null } or { Email: null };
        return wanting && target.Endpoints.UserinfoEndpoint is not null && response.Tokens.Scopes?.Contains(Wire.OpenId) != false
            ? new(await CompletedAsync(target, response, named.Value!, request, cancellationToken), null)
            : named;
    }

    /// <summary>Many providers put the profile into the userinfo answer only; what has another subject is not used (OpenID Connect Core §5.3.2).</summary>
    private async Task<ProviderIdentity> CompletedAsync(
        ProviderTarget target, ProviderTokenResponse response, ProviderIdentity named, RedeemUpstream request, CancellationToken cancellationToken)
    {
        var (told, _) = await AskAsync(target, target.Provider.User ?? Standard, response.Tokens.AccessToken, request, cancellationToken);
        return told is { Profile: { } more } && told.Subject == named.Subject
            ? named with { Email = named.Email ?? told.Email, Profile = named.Profile!.CompletedBy(more) }
            : named;
    }

    /// <summary>To be called before the refresh token leaves, for <see cref="Compare"/>.</summary>
    public Task PrepareAsync(ProviderTarget target, ProviderIdentity? expected) =>
        expected is not null && target.Provider.OpenIdConnect ? idTokens.PrepareAsync(target.Endpoints) : Task.CompletedTask;

    /// <summary>Whether the id_token of a refresh speaks of another account (T-UP-08); null when nothing says so.</summary>
    public ProviderFailure? Compare(ProviderTarget target, ProviderTokenResponse response, ProviderIdentity? expected) =>
        expected is not null && target.Provider.OpenIdConnect && response.IdToken is { } idToken ? idTokens.Compare(idToken, target, expected) : null;

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
            ? Read(target, lookup, Endpoint, new(path => json.At(path), claim => Single(json.At(claim)) ?? json.Texts(claim), IsVerified(json)), redeem)
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
        ProviderTarget target, UserLookup lookup, string place, Claims claims, RedeemUpstream redeem)
    {
        if (lookup.Id.Select(claims.Find).FirstOrDefault(id => id is not null) is not { } subject)
        {
            return Failed(ProviderFailureKind.Misconfigured, $"{place} names no user under {string.Join(", ", lookup.Id)}");
        }

        if (ValidateUpstreamIdentity.Problem(target.Connection, subject, claims.Texts, first: true) is { } problem)
        {
            return Failed(ProviderFailureKind.IdentityRejected, $"{place} names {problem}");
        }

        var issuer = target.Endpoints.Issuer ?? new Uri(target.Endpoints.TokenEndpoint!).GetLeftPart(UriPartial.Authority);
        if (lookup.Tenant is { } path)
        {
            if ((claims.Find(path) ?? redeem.CallbackParameter(path)) is not { } tenant || !ProviderIdentity.IsSubject(tenant))
            {
                return Failed(ProviderFailureKind.Misconfigured, $"{place} names no {path}");
            }

            issuer = $"{issuer}/{Uri.EscapeDataString(tenant)}";
        }

        var email = ProviderIdentity.Printable(lookup.Email.Select(claims.Find).FirstOrDefault(text => text is not null));
        return new(new ProviderIdentity(issuer, subject, email) { Profile = UserProfile.Of(claims.Find, email, claims.EmailVerified) }, null);
    }

    private static bool IsVerified(JsonElement json) =>
        json.TryGetProperty("email_verified", out var flag) && (flag.ValueKind == JsonValueKind.True || json.At("email_verified") == "true");

    private static IReadOnlyList<string>? Single(string? text) => text is null ? null : [text];

    private static ProviderResult<ProviderIdentity> Failed(ProviderFailureKind kind, string detail, TimeSpan? retryAfter = null) =>
        new(null, new ProviderFailure(kind, detail, retryAfter));

    /// <summary>What an answer says.</summary>
    /// <param name="Find">The text at a path.</param>
    /// <param name="Texts">The texts of a claim, one or several.</param>
    private sealed record Claims(Func<string, string?> Find, Func<string, IReadOnlyList<string>?> Texts, bool EmailVerified);
}
