using TokenVault.Server.Diagnostics;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Connections;

/// <summary>
/// Our side of OAuth 2.0 and OpenID Connect towards providers: the authorization address, the code's redemption, the refresh and
/// the revocation. It holds nothing and tries nothing twice; what came of a call is in its result.
/// </summary>
internal sealed class ProviderClient(
    ProviderCatalog catalog, ProviderMetadata metadata, UpstreamHttp http, IdTokenVerifier idTokens, KeyRing ring, TokenVaultOptions options)
{
    private readonly Userinfo _userinfo = new(http);

    /// <summary>The client with its parts, for a composition that needs none of them elsewhere.</summary>
    public static ProviderClient Create(ProviderCatalog catalog, EgressGuard guard, KeyRing ring, TokenVaultOptions options, TimeProvider time)
    {
        var http = new UpstreamHttp(guard, time);
        return new ProviderClient(
            catalog, new ProviderMetadata(http, time), http, new IdTokenVerifier(new ProviderKeys(http, time), time), ring, options);
    }

    /// <summary>What to ask for when a request names no scopes: the connection's, else the catalogue's, and what the provider requires.</summary>
    public IReadOnlyList<string> DefaultScopes(Connection connection)
    {
        var provider = catalog.Find(connection.Strategy);
        var named = connection.Options.Scope ?? provider?.DefaultScopes ?? [];
        return provider is null ? named : WithRequired(provider, named);
    }

    /// <summary>What becomes of a used refresh token: as the operator says, else as the catalogue knows.</summary>
    public RotationClass RotationOf(Connection connection) =>
        connection.Options.RotationClass ?? catalog.Find(connection.Strategy)?.RotationClass ?? RotationClass.Unknown;

    /// <summary>The redirect URI at the provider; one for each connection, so that answers cannot be mixed up (T-CF-06).</summary>
    public string CallbackUrl(Connection connection) => connection.CallbackUrl(options.Issuer);

    /// <summary>Where to send the user's browser.</summary>
    public async Task<ProviderResult<string>> AuthorizeUrlAsync(
        Connection connection, AuthorizeUpstream request, CancellationToken cancellationToken)
    {
        var (target, failure) = await TargetAsync(connection, cancellationToken);
        if (target is null)
        {
            return new(null, failure);
        }

        var scopes = WithRequired(target.Provider, request.Scopes);
        if (scopes.FirstOrDefault(s => !Scope.IsToken(s)) is not null)
        {
            return Failed<string>(ProviderFailureKind.Misconfigured, "a scope has characters that no scope may have");
        }

        return UpstreamUrl.TryParse(target.Endpoints.AuthorizationEndpoint, out var endpoint, out var problem)
            ? new(AuthorizationUrl.Build(endpoint, connection, target.Provider, request, scopes), null)
            : Failed<string>(ProviderFailureKind.Misconfigured, "the authorization endpoint " + problem);
    }

    /// <summary>
    /// Trades the authorization code for tokens (RFC 6749 §4.1.3) and finds out whose they are. Tokens may come with a failure: nobody may
    /// have them, and the provider is to forget them.
    /// </summary>
    public async Task<ProviderResult<ProviderGrant>> RedeemAsync(
        Connection connection, RedeemUpstream request, CancellationToken cancellationToken)
    {
        var (target, failure) = await TargetAsync(connection, cancellationToken);
        if (target is null)
        {
            return new(null, failure);
        }

        // Before the code goes anywhere: it may have been meant for another provider (RFC 9207 §2.4).
        if (IssProblem(target.Endpoints, request.Iss) is { } mixUp)
        {
            return Failed<ProviderGrant>(ProviderFailureKind.IdentityRejected, mixUp);
        }

        var parameters = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["grant_type"] = Wire.AuthorizationCode,
            ["code"] = request.Code,
            ["redirect_uri"] = request.RedirectUri,
        };
        if (connection.Options.Pkce ?? target.Provider.Pkce)
        {
            parameters["code_verifier"] = request.CodeVerifier;
        }

        var call = new TokenCall(target.Endpoints.TokenEndpoint, target.Provider.TokenParams, UpstreamHttp.Deadline);
        var (response, refused) = await PostAsync(target, call, parameters, cancellationToken);
        if (response is null)
        {
            return new(null, refused);
        }

        var (identity, unknown) = await IdentityAsync(target, response, request, cancellationToken);
        return new(new ProviderGrant(response.Tokens, identity), unknown);
    }

    /// <summary>
    /// Trades the refresh token for new tokens (RFC 6749 §6), sent once. There is no cancellation: once the provider has rotated,
    /// its answer is the only copy.
    /// </summary>
    /// <param name="expected">Whose account it is; an id_token in the answer that names another one makes a failure of its tokens.</param>
    /// <param name="mayStillSend">Asked last of all before the refresh token leaves.</param>
    public async Task<ProviderResult<ProviderTokens>> RefreshAsync(
        Connection connection, Secret refreshToken, ProviderIdentity? expected, Func<bool> mayStillSend)
    {
        var (target, failure) = await TargetAsync(connection, CancellationToken.None);
        if (target is null)
        {
            // Whatever metadata lack, the refresh token has not left.
            var unsent = failure!.Kind == ProviderFailureKind.Misconfigured ? failure : failure with { Kind = ProviderFailureKind.NotSent };
            return Counted(new(null, unsent));
        }

        var parameters = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["grant_type"] = Wire.RefreshToken,
            ["refresh_token"] = refreshToken.Reveal(),
        };
        var endpoint = target.Endpoints.RefreshEndpoint ?? target.Endpoints.TokenEndpoint;
        var call = new TokenCall(endpoint, target.Provider.RefreshParams, RotationRules.Of(RotationOf(connection)).AnswerDeadline);
        if (!mayStillSend())
        {
            return Failed<ProviderTokens>(ProviderFailureKind.NotSent, "the process stood still before the call");
        }

        var (response, refused) = await PostAsync(target, call, parameters, CancellationToken.None);
        if (response is null)
        {
            return Counted(new(null, refused));
        }

        var other = expected is not null && target.Provider.OpenIdConnect && response.IdToken is { } idToken
            ? await idTokens.CompareAsync(idToken, target.Endpoints, target.Registration.ClientId, expected)
            : null;
        return Counted(new(response.Tokens, other));
    }

    private static ProviderResult<ProviderTokens> Counted(ProviderResult<ProviderTokens> refresh)
    {
        Telemetry.Refreshed(ProviderFailures.Outcome(refresh.Failure));
        return refresh;
    }

    /// <summary>Tells the provider that a token is no longer wanted (RFC 7009).</summary>
    /// <param name="hint"><c>refresh_token</c> or <c>access_token</c>.</param>
    public async Task<RevocationAnswer> RevokeAsync(Connection connection, Secret token, string hint, CancellationToken cancellationToken)
    {
        var (target, failure) = await TargetAsync(connection, cancellationToken);
        if (target is null)
        {
            return new(Supported: true, failure);
        }

        if (target.Endpoints.RevocationEndpoint is null)
        {
            return new(Supported: false, Failure: null);
        }

        if (!UpstreamUrl.TryParse(target.Endpoints.RevocationEndpoint, out var endpoint, out var problem))
        {
            return new(Supported: true, new ProviderFailure(ProviderFailureKind.Misconfigured, "the revocation endpoint " + problem));
        }

        var parameters = new Dictionary<string, string>(StringComparer.Ordinal) { ["token"] = token.Reveal(), ["token_type_hint"] = hint };
        using var request = TokenRequest.Build(endpoint, target.Registration with { Format = TokenRequestFormat.Form }, parameters);
        var (answer, unsent) = await http.SendAsync(request, UpstreamHttp.DefaultLimit, cancellationToken);
        if (answer is null)
        {
            return new(Supported: true, unsent);
        }

        return (int)answer.Status is >= 200 and < 300
            ? new(Supported: true, Failure: null)
            : new(Supported: true, ProviderFailures.Of("the revocation endpoint", answer, UpstreamJson.Object(answer.Body)?.Text("error"), target.Provider));
    }

    private async Task<ProviderResult<ProviderTokenResponse>> PostAsync(
        Target target, TokenCall call, Dictionary<string, string> parameters, CancellationToken cancellationToken)
    {
        if (!UpstreamUrl.TryParse(call.Url, out var endpoint, out var problem))
        {
            return Failed<ProviderTokenResponse>(ProviderFailureKind.Misconfigured, "the token endpoint " + problem);
        }

        foreach (var (name, value) in call.Extras)
        {
            parameters[name] = value;
        }

        using var request = TokenRequest.Build(endpoint, target.Registration, parameters);
        var (answer, failure) = await http.SendAsync(request, UpstreamHttp.DefaultLimit, call.Deadline, cancellationToken);
        return answer is null ? new(null, failure) : ProviderTokenResponse.Read(answer, target.Provider);
    }

    private async Task<ProviderResult<ProviderIdentity>> IdentityAsync(
        Target target, ProviderTokenResponse response, RedeemUpstream request, CancellationToken cancellationToken)
    {
        if (target.Provider.OpenIdConnect)
        {
            return response.IdToken is { } idToken
                ? await idTokens.VerifyAsync(idToken, target.Endpoints, target.Registration.ClientId, request.Nonce, cancellationToken)
                : Failed<ProviderIdentity>(ProviderFailureKind.IdentityRejected, "the provider sent no id_token");
        }

        if (target.Endpoints.UserinfoEndpoint is not { } url)
        {
            return new(null, null);
        }

        if (!UpstreamUrl.TryParse(url, out var endpoint, out var problem))
        {
            return Failed<ProviderIdentity>(ProviderFailureKind.Misconfigured, "the userinfo endpoint " + problem);
        }

        var issuer = target.Endpoints.Issuer ?? new Uri(target.Endpoints.TokenEndpoint!).GetLeftPart(UriPartial.Authority);
        return await _userinfo.ReadAsync(endpoint, target.Provider, issuer, response.Tokens.AccessToken, cancellationToken);
    }

    private async Task<ProviderResult<Target>> TargetAsync(Connection connection, CancellationToken cancellationToken)
    {
        if (catalog.Find(connection.Strategy) is not { } provider)
        {
            return Failed<Target>(ProviderFailureKind.Misconfigured, "the catalogue has no such strategy");
        }

        if (connection.Options.ClientId is not { Length: > 0 } clientId)
        {
            return Failed<Target>(ProviderFailureKind.Misconfigured, "the connection has no client_id");
        }

        var (endpoints, failure) = await metadata.ResolveAsync(connection, provider, cancellationToken);
        if (endpoints is null)
        {
            return new(null, failure);
        }

        if (provider.OpenIdConnect && endpoints.Issuer is null)
        {
            return Failed<Target>(ProviderFailureKind.Misconfigured, "the connection has neither discovery_url nor issuer");
        }

        try
        {
            var method = ConfiguredMethod(connection) ?? provider.TokenEndpointAuthMethod ?? endpoints.AuthMethod ?? ClientAuthMethod.Basic;
            var registration = new ProviderRegistration(clientId, ConnectionSecret.Open(ring, connection), method, provider.TokenRequestFormat);
            return new(new Target(provider, endpoints, registration), null);
        }
        catch (BrokenSealException e)
        {
            return Failed<Target>(ProviderFailureKind.Misconfigured, "the client secret does not open: " + e.Message);
        }
    }

    private static ClientAuthMethod? ConfiguredMethod(Connection connection) => connection.Options.TokenEndpointAuthMethod switch
    {
        "client_secret_post" => ClientAuthMethod.Post,
        "client_secret_basic" => ClientAuthMethod.Basic,
        _ => null,
    };

    private static string? IssProblem(ProviderEndpoints endpoints, string? iss)
    {
        if (iss is null)
        {
            return endpoints.IssRequired ? "the authorization response has no iss, which the provider promises" : null;
        }

        return endpoints.Issuer is null || string.Equals(iss, endpoints.Issuer, StringComparison.Ordinal)
            ? null
            : "the authorization response names another issuer";
    }

    private static IReadOnlyList<string> WithRequired(Provider provider, IReadOnlyList<string> scopes) =>
        [.. provider.RequiredScopes.Union(scopes, StringComparer.Ordinal)];

    private static ProviderResult<T> Failed<T>(ProviderFailureKind kind, string detail)
        where T : class => new(null, new ProviderFailure(kind, detail));

    private sealed record TokenCall(string? Url, IReadOnlyDictionary<string, string> Extras, TimeSpan Deadline);

    private sealed record Target(Provider Provider, ProviderEndpoints Endpoints, ProviderRegistration Registration);
}
