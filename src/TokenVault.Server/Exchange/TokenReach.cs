using TokenVault.Server.Clients;
using TokenVault.Server.Connections;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Tokensets;

namespace TokenVault.Server.Exchange;

/// <summary>
/// How far a client reaches: which connections, and how much a token that it is given may be good for. The grants of a privileged worker say it
/// (T-PW-09), the agent policy of any client, and actions; where several do, all hold. A token that is good for more is narrowed where the provider
/// does that, and otherwise does not leave (T-ST-14).
/// </summary>
internal sealed class TokenReach(TokensetSealer sealer, TokenNarrowing narrowing)
{
    public static OAuthError? ConnectionRefusal(ExchangeRequest request, Client client)
    {
        if (client.AgentPolicy is { } policy)
        {
            if (!policy.Names(request.Connection))
            {
                return ExchangeErrors.Denied("The client's agent policy does not name the connection.");
            }

            if (request.AsksForRefreshToken && policy.LimitsTokensOf(request.Connection))
            {
                return ExchangeErrors.Denied("The client's agent policy limits its tokens, and nothing would limit a refresh token.");
            }
        }

        return !request.IsPrivileged || client.PrivilegedAccess?.Grants is not { } grants || Of(grants, request) is not null
            ? null
            : ExchangeErrors.Denied("The client's grants do not name the connection.");
    }

    /// <summary>What the token that leaves will be good for: the tokenset's scopes, or fewer, where it has to be narrowed.</summary>
    public Outcome<IReadOnlyList<string>> ScopesFor(ExchangeAttempt attempt, Tokenset tokenset, Connection connection)
    {
        var (request, client) = (attempt.Request, attempt.Client);
        if (Most(attempt) is not { } most || AgentPolicy.Beyond(tokenset.Scopes, most) is not { Count: > 0 } beyond)
        {
            return Outcome.Of(tokenset.Scopes);
        }

        List<string> wanted = [.. request.Scopes.Count > 0 ? request.Scopes : tokenset.Scopes.Intersect(most, StringComparer.Ordinal)];
        if (AgentPolicy.Beyond(wanted, most).Count > 0)
        {
            return ExchangeErrors.Denied("The client may not have every requested scope.");
        }

        return request.AsksForRefreshToken || wanted.Count == 0 || !narrowing.IsPossible(tokenset, connection)
            ? TooWide(beyond)
            : Outcome.Of<IReadOnlyList<string>>(wanted);
    }

    /// <summary>The token that may leave, with as much of the tokenset as it stands for.</summary>
    /// <param name="scopes">From <see cref="ScopesFor"/>.</param>
    /// <exception cref="Storage.CorruptRecordException">The tokenset does not open.</exception>
    public async ValueTask<Outcome<LeavingToken>> TakeAsync(
        ExchangeAttempt attempt, Tokenset tokenset, Connection connection, IReadOnlyList<string> scopes, CancellationToken cancellationToken)
    {
        if (ReferenceEquals(scopes, tokenset.Scopes))
        {
            var (accessToken, refreshToken) = sealer.Open(tokenset);
            return new LeavingToken(attempt.Request.AsksForRefreshToken ? refreshToken! : accessToken, tokenset);
        }

        var narrowed = await narrowing.NarrowAsync(tokenset, connection, scopes, cancellationToken);
        return narrowed switch
        {
            { IsOver: true } => ExchangeErrors.Reauthorize("the provider rejected the grant when it was asked to narrow it"),
            { Outage: { } outage } => ExchangeErrors.Unavailable(outage, narrowed.RetryAfter),
            // No more than was asked for either: that much the user may have approved, or needed no approval for.
            { Token: { } token } when AgentPolicy.Beyond(token.Scopes, scopes).Count == 0 && !scopes.Except(token.Scopes, StringComparer.Ordinal).Any() =>
                new LeavingToken(token.AccessToken, tokenset with { Scopes = token.Scopes, AccessTokenExpiresAt = token.ExpiresAt }),
            _ => TooWide(AgentPolicy.Beyond(tokenset.Scopes, scopes), "; the provider does not narrow it"),
        };
    }

    private static OAuthError TooWide(IReadOnlyList<string> beyond, string why = "") =>
        ExchangeErrors.Denied("The user's token is good for more than the client may have.") with
        {
            Detail = "beyond it: " + OAuthError.Shown(Scope.Format(beyond)) + why,
        };

    /// <summary>Null: as much as there is.</summary>
    private static IReadOnlyList<string>? Most(ExchangeAttempt attempt)
    {
        var (request, client) = (attempt.Request, attempt.Client);
        var ofPolicy = client.AgentPolicy?.ScopesAt(request.Connection);
        var ofWorker = request.IsPrivileged && client.PrivilegedAccess?.Grants is { } grants ? Of(grants, request)?.Scopes : null;

        // A worker's scope is the most that its token may be good for (contracted); anybody else's is the least.
        var asked = request.IsPrivileged && request.Scopes.Count > 0 ? request.Scopes : null;
        return new[] { ofPolicy, ofWorker, asked, attempt.MostScopes }.OfType<IReadOnlyList<string>>().Aggregate(
            default(IReadOnlyList<string>), (most, list) => most is null ? list : [.. most.Intersect(list, StringComparer.Ordinal)]);
    }

    private static PrivilegedGrant? Of(IReadOnlyList<PrivilegedGrant> grants, ExchangeRequest request) =>
        grants.FirstOrDefault(grant => string.Equals(grant.Connection, request.Connection, StringComparison.Ordinal));
}

/// <param name="As">The tokenset, with the scopes and the end of this very token.</param>
internal sealed record LeavingToken(Secret Token, Tokenset As);
