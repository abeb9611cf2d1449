using TokenVault.Server.Clients;
using TokenVault.Server.Http;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Tokensets;

namespace TokenVault.Server.Exchange;

/// <summary>
/// The reason this server exists: a token of ours for a provider's.
/// 1 the client may exchange → 2 who is the subject → 3 which connection → 4 their tokenset → 5 refresh it if it is not fresh,
/// once, together with all who wait → 6 alive and scopes covered → 7 approved, where a rule demands it → 8 audit, then answer.
/// </summary>
internal sealed class FederatedConnectionExchange(
    ExchangeRules rules, SubjectTokenReader subjects, TokensetFinder tokensets, TokensetRefresher refresher, TokensetSealer sealer, ExchangeAudit audit)
{
    public ValueTask<Outcome<TokenResponse>> ExchangeAsync(
        ExchangeRequest request, Client client, RequestOrigin origin, CancellationToken cancellationToken) =>
        RunAsync(new ExchangeAttempt(request, client, origin), cancellationToken);

    private async ValueTask<Outcome<TokenResponse>> RunAsync(ExchangeAttempt attempt, CancellationToken cancellationToken)
    {
        var (request, client, origin) = (attempt.Request, attempt.Client, attempt.Origin);
        try
        {
            // 1 the client may exchange: asked each time, because each of these can change after it was set up (T-CA-01).
            if (ExchangeRules.ClientRefusal(client) is { } mayNot)
            {
                return await audit.FailedAsync(attempt, mayNot);
            }

            // 2 who is the subject, and did they prove it as the deployment demands?
            attempt = attempt with { Subject = await subjects.ReadAsync(request, client, origin, attempt.Subject, cancellationToken) };
            if (attempt.Subject.User.Failed(out var noSubject))
            {
                return await audit.FailedAsync(attempt, noSubject);
            }

            if (await rules.MultiFactorRefusalAsync(attempt.Subject, cancellationToken) is { } oneFactor)
            {
                return await audit.FailedAsync(attempt, oneFactor);
            }

            // 3 which connection?
            var connection = await rules.FindConnectionAsync(request, cancellationToken);
            if ((ExchangeRules.ConnectionRefusal(connection, client) ?? PrivilegedReach.ConnectionRefusal(request, client)) is { } notThisOne)
            {
                return await audit.FailedAsync(attempt, notThisOne);
            }

            // 4 their tokenset.
            if (await tokensets.FindAsync(attempt.UserId!, connection!.Id, request.LoginHint, cancellationToken) is not { } tokenset)
            {
                return await audit.FailedAsync(attempt, ExchangeErrors.NotConnected("no account"));
            }

            // 5 fresh, or refreshed once for all who wait.
            if (tokenset.State == TokensetState.Active && !tokenset.IsFresh(audit.Now) && tokenset.HasRefreshToken)
            {
                var refreshed = await refresher.RefreshAsync(tokenset, connection, cancellationToken);
                if (RefreshRefusal(refreshed, tokenset) is { } failure)
                {
                    return await audit.FailedAsync(attempt, failure);
                }

                // A provider that is away costs nothing while the token we hold lasts.
                tokenset = refreshed.Tokenset ?? tokenset;
            }

            // 6 alive, and enough for what was asked?
            if ((TokensetRefusal(tokenset, request) ?? PrivilegedReach.ScopeRefusal(request, client, tokenset)) is { } refusal)
            {
                return await audit.FailedAsync(attempt, refusal);
            }

            // 7 approved by the user, where a rule demands it: asked last, so that nobody approves what cannot be had.
            var (approval, unapproved) = await rules.ApprovalAsync(attempt, connection, tokenset, cancellationToken);
            if (unapproved is not null)
            {
                return await audit.FailedAsync(attempt, unapproved);
            }

            // 8 the audit row is durable before the token leaves. A tokenset that was disconnected or renewed meanwhile: all over again.
            var (accessToken, refreshToken) = sealer.Open(tokenset);
            var issued = request.AsksForRefreshToken ? refreshToken! : accessToken;
            return await audit.SucceededAsync(attempt with { Approval = approval }, tokenset, issued) switch
            {
                Delivery.Recorded => Answer(request, tokenset, issued),
                Delivery.Replayed => await audit.FailedAsync(attempt, ExchangeErrors.Replayed()),
                _ => await RunAsync(attempt, cancellationToken),
            };
        }
        catch (CorruptRecordException e)
        {
            return await audit.CorruptAsync(attempt, e, Corrupt());
        }
    }

    private OAuthError? RefreshRefusal(RefreshResult result, Tokenset held)
    {
        if (result.Corruption is { } corruption)
        {
            throw corruption;
        }

        if (result.Outage is { } outage)
        {
            return held.IsUsable(audit.Now) ? null : ExchangeErrors.Unavailable(outage, result.RetryAfter);
        }

        return result.Tokenset is null ? ExchangeErrors.NotConnected("disconnected meanwhile") : null;
    }

    private OAuthError? TokensetRefusal(Tokenset tokenset, ExchangeRequest request)
    {
        if (tokenset.State == TokensetState.ReauthorizationRequired)
        {
            return ExchangeErrors.Reauthorize("the provider withdrew the grant");
        }

        if (request.AsksForRefreshToken && !tokenset.HasRefreshToken)
        {
            return ExchangeErrors.NothingToRefreshWith();
        }

        if (!tokenset.IsUsable(audit.Now))
        {
            return tokenset.HasRefreshToken
                ? ExchangeErrors.Unavailable("the refreshed token has ended already", retryAfter: null)
                : ExchangeErrors.NothingToRefreshWith();
        }

        var missing = request.Scopes.Except(tokenset.Scopes, StringComparer.Ordinal).ToList();
        return missing.Count > 0 ? ExchangeErrors.MissingScopes(missing) : null;
    }

    private TokenResponse Answer(ExchangeRequest request, Tokenset tokenset, Secret issued) =>
        new(issued, request.AsksForRefreshToken ? ExchangeAudit.LifetimeOfEndless : audit.SecondsLeft(tokenset))
        {
            Scope = tokenset.Scopes.Count == 0 ? null : Scope.Format(tokenset.Scopes),
            IssuedTokenType = request.IssuedTokenType,
            Further = tokenset.Kept,
        };

    private static OAuthError Corrupt() => ExchangeErrors.Reauthorize("the stored tokenset is corrupt");
}
