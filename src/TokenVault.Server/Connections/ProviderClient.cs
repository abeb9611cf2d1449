using TokenVault.Server.Diagnostics;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Connections;

/// <summary>
/// Our side of OAuth 2.0 and OpenID Connect towards providers: the authorization address, the code's redemption, the refresh and
/// the revocation. It holds nothing and tries nothing twice; what came of a call is in its result.
/// </summary>
internal sealed class ProviderClient(
    ProviderCatalog catalog, ProviderTargets targets, ProviderTokenEndpoint tokens, ProviderUsers users, ProviderRevoker revoker, TokenVaultOptions options)
{
    /// <summary>The client with its parts, for a composition that needs none of them elsewhere.</summary>
    public static ProviderClient Create(ProviderCatalog catalog, EgressGuard guard, KeyRing ring, TokenVaultOptions options, TimeProvider time)
    {
        var http = new UpstreamHttp(guard, time);
        var tokens = new ProviderTokenEndpoint(http);
        var users = new ProviderUsers(http, new IdTokenVerifier(new ProviderKeys(http, time), time));
        var targets = new ProviderTargets(catalog, new ProviderMetadata(http, time), ring, time);
        return new ProviderClient(catalog, targets, tokens, users, new ProviderRevoker(http, tokens), options);
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

    /// <summary>
    /// Whether a refresh that names fewer scopes brings a token of fewer: as the operator says, else as the catalogue knows. Not asked of providers
    /// whose refresh tokens do not stay as they are.
    /// </summary>
    public bool Narrows(Connection connection) =>
        RotationOf(connection) == RotationClass.Stable
        && (connection.Options.Downscope ?? catalog.Find(connection.Strategy)?.Downscope) == Downscope.Refresh;

    /// <summary>The redirect URI at the provider; one for each connection, so that answers cannot be mixed up (T-CF-06).</summary>
    public string CallbackUrl(Connection connection) => connection.CallbackUrl(options.Issuer);

    /// <summary>Where to send the user's browser.</summary>
    public async Task<ProviderResult<string>> AuthorizeUrlAsync(
        Connection connection, AuthorizeUpstream request, CancellationToken cancellationToken)
    {
        var (target, failure) = await targets.FindAsync(connection, cancellationToken);
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
        var (target, failure) = await targets.FindAsync(connection, cancellationToken);
        if (target is null)
        {
            return new(null, failure);
        }

        // Before the code goes anywhere: it may have been meant for another provider (RFC 9207 §2.4).
        if (IssProblem(target.Endpoints, request.Iss) is { } mixUp)
        {
            return Failed<ProviderGrant>(ProviderFailureKind.IdentityRejected, mixUp);
        }

        var pkce = connection.Options.Pkce ?? target.Provider.Pkce;
        var (response, refused) = await tokens.RedeemAsync(target, request, pkce, cancellationToken);
        if (response is null)
        {
            return new(null, refused);
        }

        // Of tokens that came with a failure, too: whose they are decides how they are given back.
        var (identity, unknown) = await users.FindAsync(target, response, request, cancellationToken);
        var fromCallback = ProviderTokenResponse.Kept(target.Provider, request.CallbackParameter);
        var kept = new Dictionary<string, string>(fromCallback.Concat(response.Tokens.Kept).DistinctBy(member => member.Key), StringComparer.Ordinal);
        return new(new ProviderGrant(response.Tokens with { Kept = kept }, identity), refused ?? unknown);
    }

    /// <summary>
    /// Whether an authorization response comes from another server than the connection's; null when it does not. It is asked of errors as of
    /// codes: an error of a stranger says nothing about this provider (RFC 9207 §2.4).
    /// </summary>
    public async Task<ProviderFailure?> MixUpAsync(Connection connection, string? iss, CancellationToken cancellationToken)
    {
        var (target, failure) = await targets.FindAsync(connection, cancellationToken);
        return target is null ? failure
            : IssProblem(target.Endpoints, iss) is { } problem ? new ProviderFailure(ProviderFailureKind.IdentityRejected, problem)
            : null;
    }

    /// <summary>Whether nothing at the connection's provider says whose account it is: then a user has one there, and cannot be told from another.</summary>
    public bool NamesNobody(Connection connection) =>
        catalog.Find(connection.Strategy) is { Custom: true, OpenIdConnect: false } && connection.Options.UserInfoUrl is null;

    /// <summary>
    /// Trades the refresh token for new tokens (RFC 6749 §6), sent once. There is no cancellation: once the provider has rotated,
    /// its answer is the only copy.
    /// </summary>
    /// <param name="expected">Whose account it is; an id_token in the answer that names another one makes a failure of its tokens.</param>
    /// <param name="mayStillSend">Asked last of all before the refresh token leaves.</param>
    /// <param name="scopes">Fewer than were granted; null for all of them.</param>
    public async Task<ProviderResult<ProviderTokens>> RefreshAsync(
        Connection connection, Secret refreshToken, ProviderIdentity? expected, Func<bool> mayStillSend, IReadOnlyList<string>? scopes = null)
    {
        var (target, failure) = await targets.FindAsync(connection, CancellationToken.None);
        if (target is null)
        {
            // Whatever metadata lack, the refresh token has not left.
            var unsent = failure!.Kind == ProviderFailureKind.Misconfigured ? failure : failure with { Kind = ProviderFailureKind.NotSent };
            return Counted(new(null, unsent));
        }

        await users.PrepareAsync(target, expected);
        var deadline = RotationRules.Of(RotationOf(connection)).AnswerDeadline;
        var (response, refused) = await tokens.RefreshAsync(target, new(refreshToken, CallbackUrl(connection), scopes), new(deadline, mayStillSend), CancellationToken.None);
        if (response is null)
        {
            return Counted(new(null, refused));
        }

        return Counted(new(response.Tokens, users.Compare(target, response, expected)));
    }

    /// <summary>Tells the provider that a token is no longer wanted.</summary>
    /// <param name="hint"><c>refresh_token</c> or <c>access_token</c>.</param>
    public async Task<RevocationAnswer> RevokeAsync(Connection connection, Secret token, string hint, CancellationToken cancellationToken)
    {
        var (target, failure) = await targets.FindAsync(connection, cancellationToken);
        return target is null
            ? new(Supported: true, failure)
            : await revoker.RevokeAsync(target, token, hint, CallbackUrl(connection), cancellationToken);
    }

    private static ProviderResult<ProviderTokens> Counted(ProviderResult<ProviderTokens> refresh)
    {
        Telemetry.Refreshed(ProviderFailures.Outcome(refresh.Failure));
        return refresh;
    }

    private static string? IssProblem(ProviderEndpoints endpoints, string? iss)
    {
        if (iss is null)
        {
            return endpoints.IssRequired ? "the authorization response has no iss, which the provider promises" : null;
        }

        // Where a claim completes the issuer, only what stands before it is known yet; the id_token says the rest.
        var claim = endpoints.Issuer?.IndexOf('{', StringComparison.Ordinal) ?? -1;
        var named = claim < 0
            ? endpoints.Issuer is null || string.Equals(iss, endpoints.Issuer, StringComparison.Ordinal)
            : iss.StartsWith(endpoints.Issuer![..claim], StringComparison.Ordinal);
        return named ? null : "the authorization response names another issuer";
    }

    private static IReadOnlyList<string> WithRequired(Provider provider, IReadOnlyList<string> scopes) =>
        [.. provider.RequiredScopes.Union(scopes, StringComparer.Ordinal)];

    private static ProviderResult<T> Failed<T>(ProviderFailureKind kind, string detail)
        where T : class => new(null, new ProviderFailure(kind, detail));
}
