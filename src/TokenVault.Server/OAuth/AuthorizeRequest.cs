using System.Globalization;
using TokenVault.Server.Clients;
using TokenVault.Server.Http;
using TokenVault.Server.OAuth.SignIn;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.OAuth;

/// <summary>A valid authorization request (RFC 6749 §4.1.1, RFC 7636, OpenID Connect Core §3.1.2.1).</summary>
internal sealed record AuthorizeRequest
{
    public required Client Client { get; init; }

    /// <summary>The way back to the client.</summary>
    public required AuthorizeResponse Response { get; init; }

    public string RedirectUri => Response.RedirectUri;

    /// <summary>Whether the request named it, rather than leaving the client's only one to be taken.</summary>
    public bool RedirectUriSent { get; init; }

    public string? Nonce { get; init; }

    public string? CodeChallenge { get; init; }

    /// <summary>The DPoP key by which the code will be redeemed, and by no other (RFC 9449 §10).</summary>
    public string? DpopKeyThumbprint { get; init; }

    public string? Audience { get; init; }

    public IReadOnlyList<string> Scopes { get; init; } = [];

    public IReadOnlyList<string> Prompt { get; init; } = [];

    public TimeSpan? MaxAge { get; init; }

    /// <summary>By <c>acr_values</c>: other contexts than the one there is are wishes that need not be fulfilled (OpenID Connect Core §3.1.2.1).</summary>
    public bool AsksForMultiFactor { get; init; }

    public string? IdTokenHint { get; init; }

    /// <summary>What it says about connections.</summary>
    public UpstreamWishes Upstream { get; init; } = new();

    /// <summary>What is to be answered by redirect is checked after the redirect URI is known to be the client's own.</summary>
    public static Outcome<AuthorizeRequest> Parse(RequestParameters parameters, Client client, AuthorizeResponse response)
    {
        if (Refusal(parameters, client) is { } refusal)
        {
            return refusal;
        }

        if (MaxAgeOf(parameters["max_age"], out var maxAge) is { } notANumber)
        {
            return notANumber;
        }

        var scopes = Scope.Parse(parameters["scope"]);
        if (scopes.Count > 100 || scopes.Any(scope => !Scope.IsToken(scope)))
        {
            return OAuthError.InvalidScope("scope is not a list of scope tokens.");
        }

        var upstream = UpstreamWishes.Read(parameters);
        if (upstream.Failed(out var unclear))
        {
            return unclear;
        }

        return new AuthorizeRequest
        {
            Client = client,
            Response = response,
            RedirectUriSent = parameters["redirect_uri"] is not null,
            Nonce = parameters["nonce"],
            CodeChallenge = parameters["code_challenge"],
            DpopKeyThumbprint = parameters["dpop_jkt"],
            Audience = parameters["audience"] ?? parameters["resource"],
            Scopes = scopes,
            Prompt = Scope.Parse(parameters["prompt"]),
            MaxAge = maxAge,
            AsksForMultiFactor = Scope.Parse(parameters["acr_values"]).Contains(AuthenticationMethod.MultiFactorContext),
            IdTokenHint = parameters["id_token_hint"],
            Upstream = upstream.Value,
        };
    }

    /// <summary>The client's registered URI, compared as a string: no patterns (RFC 9700 §4.1, T-CF-03).</summary>
    public static string? RedirectUriOf(RequestParameters parameters, Client client)
    {
        if (parameters["redirect_uri"] is { } asked)
        {
            return client.Callbacks.Contains(asked, StringComparer.Ordinal) ? asked : null;
        }

        return client.Callbacks.Count == 1 ? client.Callbacks[0] : null;
    }

    private static OAuthError? MaxAgeOf(string? text, out TimeSpan? maxAge)
    {
        maxAge = null;
        if (text is null)
        {
            return null;
        }

        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds))
        {
            return OAuthError.InvalidRequest("max_age must be a number of seconds.");
        }

        maxAge = TimeSpan.FromSeconds(seconds);
        return null;
    }

    private static OAuthError? Refusal(RequestParameters parameters, Client client)
    {
        if (parameters["request"] is not null)
        {
            return new OAuthError(400, "request_not_supported", "Request objects are not supported.");
        }

        if (parameters["request_uri"] is not null)
        {
            return new OAuthError(400, "request_uri_not_supported", "Request URIs are not supported.");
        }

        if (parameters["response_type"] is not { } responseType)
        {
            return OAuthError.InvalidRequest("response_type is missing.");
        }

        if (responseType != "code")
        {
            return new OAuthError(400, "unsupported_response_type", "Only the response type 'code' is supported.");
        }

        if (!client.MayUse(Wire.AuthorizationCode))
        {
            return OAuthError.UnauthorizedClient("The client may not use the authorization code grant.");
        }

        if (parameters["organization"] is not null || parameters["invitation"] is not null)
        {
            return OAuthError.InvalidRequest("Organizations are not supported.");
        }

        // A SHA-256 in base64url has 43 characters, as a code challenge has.
        if (parameters["dpop_jkt"] is { } jkt && !Pkce.IsChallenge(jkt))
        {
            return OAuthError.InvalidRequest("dpop_jkt must be 43 base64url characters.");
        }

        return PkceRefusal(parameters, client) ?? PromptRefusal(parameters);
    }

    private static OAuthError? PkceRefusal(RequestParameters parameters, Client client)
    {
        var challenge = parameters["code_challenge"];
        var method = parameters["code_challenge_method"];
        if (challenge is null)
        {
            if (method is not null)
            {
                return OAuthError.InvalidRequest("code_challenge is missing.");
            }

            // A confidential client proves itself by its secret; a public one only by PKCE (RFC 9700 §2.1.1).
            return client.IsPublic ? OAuthError.InvalidRequest("A public client must use PKCE with S256.") : null;
        }

        return method != "S256" || !Pkce.IsChallenge(challenge)
            ? OAuthError.InvalidRequest("code_challenge must be 43 base64url characters with code_challenge_method S256.")
            : null;
    }

    private static OAuthError? PromptRefusal(RequestParameters parameters)
    {
        var prompt = Scope.Parse(parameters["prompt"]);
        if (prompt.Any(value => value is not ("none" or "login" or "consent" or "select_account")))
        {
            return OAuthError.InvalidRequest("prompt must be none, login, consent or select_account.");
        }

        return prompt.Contains("none") && prompt.Count > 1 ? OAuthError.InvalidRequest("prompt=none stands alone.") : null;
    }
}

internal enum ResponseMode
{
    Query,
    Fragment,
    FormPost,
    WebMessage,

    /// <summary>To whoever is at the browser: the one who asked is elsewhere. No request can choose it.</summary>
    Page,
}
