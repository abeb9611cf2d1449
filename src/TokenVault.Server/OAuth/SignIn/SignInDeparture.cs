using TokenVault.Server.Accounts;
using TokenVault.Server.Clients;
using TokenVault.Server.Connections;
using TokenVault.Server.Http;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.OAuth.SignIn;

/// <summary>Sends a browser to a provider, to come back signed in.</summary>
internal sealed class SignInDeparture(
    IStorage storage, ProviderClient provider, AccountScopes scopes, KeyRing ring, AttemptLimiter limiter, TimeProvider time)
{
    /// <summary>Sign-ins that a network began and did not finish, a minute: each is a row (T-DO-06).</summary>
    private const int MostFromOneNetwork = 300;

    /// <summary>A connection that this client's users may sign in through; null when there is none of the name.</summary>
    public async ValueTask<Connection?> FindAsync(string name, Client client, CancellationToken cancellationToken) =>
        await storage.FindByKeyAsync<Connection>("name", name, cancellationToken) is { } connection && MaySignIn(connection, client.ClientId)
            ? connection
            : null;

    public static bool MaySignIn(Connection connection, string clientId) =>
        connection is { IsDatabase: false, AuthenticationActive: true } && connection.IsEnabledFor(clientId);

    /// <summary>What counts as one network's unfinished sign-ins.</summary>
    public static string LimitOf(HttpContext context) => $"sign-ins {CallerNetwork.Of(context)}";

    /// <summary>Whether sign-ins are under way that will bring tokens into the vault: see <see cref="ConnectionHoldings"/>.</summary>
    public async ValueTask<bool> AreUnderWayAsync(Connection connection, CancellationToken cancellationToken)
    {
        var any = new ListQuery(SignInRequest.Kind) { Index = EntityKey.Index("connection", connection.Id), Take = 1 };
        return connection.ConnectedAccountsActive && await storage.CountAsync(any, cancellationToken) > 0;
    }

    /// <returns>An error to take to the client, or null when the browser is on its way.</returns>
    public async Task<OAuthError?> SendAsync(HttpContext context, AuthorizeRequest request, Connection connection, SignInOrigin origin)
    {
        var further = origin.LinkTo is null ? request.Upstream.Scopes : request.Upstream.LinkScopes;
        if ((scopes.Refused(connection, further) ?? request.Client.AgentPolicy?.RefusedAt(connection.Name, further)) is { } refused)
        {
            return OAuthError.InvalidScope($"The connection does not allow to ask for the scope {OAuthError.Shown(refused)}.");
        }

        if (limiter.Begin(LimitOf(context), MostFromOneNetwork) is not null)
        {
            return new OAuthError(429, "temporarily_unavailable", "Too many sign-ins were begun. Wait a minute, then try again.");
        }

        var state = new Secret(Identifier.Secret());
        var browser = new Secret(Identifier.Secret());
        List<string> asked = [.. provider.DefaultScopes(connection).Union(further, StringComparer.Ordinal)];
        var proof = SignInProof.Of(ring, state);
        var upstream = new AuthorizeUpstream(
            provider.CallbackUrl(connection), state.Reveal(), proof.Nonce, proof.CodeVerifier, asked, request.Upstream.Parameters)
        {
            SignInOnly = !connection.ConnectedAccountsActive,
        };
        var (url, failure) = await provider.AuthorizeUrlAsync(connection, upstream, context.RequestAborted);
        if (url is null)
        {
            return SignInErrors.Of(failure!);
        }

        await storage.CommitAsync(new Batch().Insert(new SignInRequest
        {
            Id = Identifier.Hash(state.Reveal()),
            ClientId = request.Client.ClientId,
            ConnectionId = connection.Id,
            Query = origin.Query,
            Since = origin.Since ?? time.GetUtcNow(),
            LinkTo = origin.LinkTo,
            Scopes = asked,
            BrowserHash = Identifier.Hash(browser.Reveal()),
            Deadline = time.GetUtcNow() + UpstreamCookie.AtProvider,
        }));
        UpstreamCookie.Of("signin", state).Set(context, browser);
        OAuthResponse.NoStore(context);
        context.Response.Redirect(url);
        return null;
    }
}

/// <param name="Query">The authorization request.</param>
/// <param name="Since">When it began; null for now.</param>
/// <param name="LinkTo">The user to link the identity to; null to sign in with it.</param>
internal sealed record SignInOrigin(string Query, DateTimeOffset? Since, string? LinkTo = null);
