using System.Net;
using System.Net.Http.Headers;
using TokenVault.Server.Connections.Quirks;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Connections;

/// <summary>Gives tokens back to a provider: by RFC 7009, or in the way that its entry describes.</summary>
internal sealed class ProviderRevoker(UpstreamHttp http, ProviderTokenEndpoint tokens)
{
    private const string Endpoint = "the revocation endpoint";

    /// <param name="hint"><c>refresh_token</c> or <c>access_token</c>.</param>
    public async Task<RevocationAnswer> RevokeAsync(
        ProviderTarget target, Secret token, string hint, string redirectUri, CancellationToken cancellationToken)
    {
        if (target.Endpoints.RevocationEndpoint is not { } address)
        {
            return new(Supported: false, Failure: null);
        }

        var url = address.Replace("{client_id}", Uri.EscapeDataString(target.Registration.ClientId), StringComparison.Ordinal);
        if (!UpstreamUrl.TryParse(url, out var endpoint, out var problem))
        {
            return Failed(new ProviderFailure(ProviderFailureKind.Misconfigured, $"{Endpoint} {problem}"));
        }

        var how = target.Provider.Revocation ?? new ProviderRevocation { Endpoint = address };
        Secret? successor = null;
        if (how.Token == RevocationToken.AccessToken && hint == Wire.RefreshToken)
        {
            // Any access token of the old days has ended by now.
            var (fresh, failure) = await tokens.RefreshAsync(target, new(token, redirectUri), new SendTerms(http.Deadline), cancellationToken);
            if (fresh is null)
            {
                return IsGone(failure!, target.Provider) ? Gone() : Failed(failure!);
            }

            successor = fresh.Tokens.RefreshToken;
            (token, hint) = (fresh.Tokens.AccessToken, "access_token");
        }

        using var request = Request(how, endpoint, target, token, hint);
        var (answer, unsent) = await http.SendAsync(request, UpstreamHttp.DefaultLimit, cancellationToken);
        return (answer is null ? Failed(unsent!) : Read(answer, how, target.Provider)) with { Successor = successor };
    }

    private static HttpRequestMessage Request(ProviderRevocation how, Uri endpoint, ProviderTarget target, Secret token, string hint)
    {
        var method = how.Method == RevocationMethod.Delete ? HttpMethod.Delete : HttpMethod.Post;
        var fields = new Dictionary<string, string>(StringComparer.Ordinal) { [how.TokenParameter] = token.Reveal() };
        if (how is { TokenParameter: "token", Token: RevocationToken.Any })
        {
            fields["token_type_hint"] = hint;
        }

        var request = how.Authentication is RevocationAuthentication.Client or RevocationAuthentication.Basic
            ? TokenRequest.Build(method, endpoint, Registration(how, target.Registration), fields)
            : new HttpRequestMessage(method, endpoint) { Content = Content(how.Body, fields) };
        if (how.Authentication == RevocationAuthentication.Bearer)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token.Reveal());
        }

        TokenRequest.AddHeaders(request, target.Provider.RequestHeaders, value => value);
        TokenRequest.AddHeaders(request, how.Headers, value => value.Replace("{token}", token.Reveal(), StringComparison.Ordinal));
        return request;
    }

    private static ProviderRegistration Registration(ProviderRevocation how, ProviderRegistration registration) => registration with
    {
        Format = how.Body == RevocationBody.Json ? TokenRequestFormat.Json : TokenRequestFormat.Form,
        AuthMethod = how.Authentication == RevocationAuthentication.Basic ? ClientAuthMethod.Basic : registration.AuthMethod,
    };

    private static ByteArrayContent? Content(RevocationBody body, Dictionary<string, string> fields) => body switch
    {
        RevocationBody.Form => new FormUrlEncodedContent(fields),
        RevocationBody.Json => TokenRequest.Json(fields),
        _ => null,
    };

    private static RevocationAnswer Read(UpstreamAnswer answer, ProviderRevocation how, Provider provider)
    {
        var members = UpstreamJson.Object(answer.Body) is { } json ? AnswerMembers.Of(json) : null;
        var code = members is null ? null : TokenAnswerErrors.Code(members);
        if ((int)answer.Status is >= 200 and < 300 && code is null)
        {
            return Gone();
        }

        // RFC 7009 §2.2 has 200 for a token that is not valid; Google says invalid_token. And one that may not even revoke itself is none.
        if (code is "invalid_token" || (how.Authentication is RevocationAuthentication.Bearer && answer.Status == HttpStatusCode.Unauthorized))
        {
            return Gone();
        }

        var failure = ProviderFailures.Of(Endpoint, answer, code, provider);
        return failure.Kind == ProviderFailureKind.GrantRejected ? Gone() : Failed(failure);
    }

    /// <summary>A refused refresh token is dead; where it rotates, a successor that an earlier try received and lost may be alive.</summary>
    private static bool IsGone(ProviderFailure failure, Provider provider) =>
        failure.Kind == ProviderFailureKind.GrantRejected
        && provider.RotationClass is RotationClass.Stable or RotationClass.Overlap or RotationClass.Replay;

    private static RevocationAnswer Gone() => new(Supported: true, Failure: null);

    private static RevocationAnswer Failed(ProviderFailure failure) => new(Supported: true, failure);
}
