using TokenVault.Server.Approvals;
using TokenVault.Server.Clients;
using TokenVault.Server.Connections;
using TokenVault.Server.Http;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Tokensets;

namespace TokenVault.Server.Exchange;

/// <summary>
/// The reason this server exists: a token of ours for a provider's.
/// 1 the client may exchange → 2 who is the subject → 3 which connection, and what actions say → 4 their tokenset → 5 refresh it if it is not
/// fresh, once, together with all who wait → 6 alive and scopes covered → 7 approved, where a rule demands it → 8 audit, then answer. What
/// earlier exchanges have read will do for an answer, whose audit row requires that it is true still; whatever else would come of it is
/// decided from the store.
/// </summary>
internal sealed class FederatedConnectionExchange(
    ExchangeRules rules, SubjectTokenReader subjects, TokensetFinder tokensets, TokensetRefresher refresher, TokenReach reach, ExchangeAudit audit)
{
    public async ValueTask<Outcome<TokenResponse>> ExchangeAsync(
        ExchangeRequest request, Client client, RequestOrigin origin, CancellationToken cancellationToken) =>
        await RunAsync(new ExchangeAttempt(request, client, origin) { Recall = await rules.FirstRecallAsync(cancellationToken) }, cancellationToken);

    private async ValueTask<Outcome<TokenResponse>> RunAsync(ExchangeAttempt attempt, CancellationToken cancellationToken)
    {
        var (request, client, origin) = (attempt.Request, attempt.Client, attempt.Origin);
        try
        {
            // 1 the client may exchange: asked each time, because each of these can change after it was set up (T-CA-01).
            if (ExchangeRules.ClientRefusal(client) is { } mayNot)
            {
                return await RefuseAsync(attempt, mayNot, cancellationToken);
            }

            // 2 who is the subject, and did they prove it as the deployment demands?
            attempt = attempt with { Subject = await subjects.ReadAsync(attempt, cancellationToken) };
            if (attempt.Subject.User.Failed(out var noSubject))
            {
                return await RefuseAsync(attempt, noSubject, cancellationToken);
            }

            if (await rules.MultiFactorRefusalAsync(attempt.Subject, cancellationToken) is { } oneFactor)
            {
                return await RefuseAsync(attempt, oneFactor, cancellationToken);
            }

            // 3 which connection?
            var connection = await rules.FindConnectionAsync(request, cancellationToken);
            if ((ExchangeRules.ConnectionRefusal(connection, client) ?? TokenReach.ConnectionRefusal(request, client)) is { } notThisOne)
            {
                return await RefuseAsync(attempt, notThisOne, cancellationToken);
            }

            // and what do the actions say of it? Before anything of the vault is opened.
            var acted = await rules.ActionsAsync(attempt, connection!, cancellationToken);
            if (acted.Failed(out var denied))
            {
                return await RefuseAsync(attempt, denied, cancellationToken);
            }

            // 4 their tokenset.
            attempt = acted.Value;
            if (await tokensets.FindAsync(attempt.UserId!, connection!.Id, request.LoginHint, attempt.Recall, cancellationToken) is not { } tokenset)
            {
                return await RefuseAsync(attempt, ExchangeErrors.NotConnected("no account"), cancellationToken);
            }

            // 5 fresh, or refreshed once for all who wait.
            if (tokenset.State == TokensetState.Active && !tokenset.IsFresh(audit.Now) && tokenset.HasRefreshToken)
            {
                if (attempt.Recall.HasHappened)
                {
                    return await FromStoreAsync(attempt, cancellationToken);
                }

                var refreshed = await refresher.RefreshAsync(tokenset, connection, cancellationToken);
                if (RefreshRefusal(refreshed, tokenset) is { } failure)
                {
                    return await RefuseAsync(attempt, failure, cancellationToken);
                }

                // A provider that is away costs nothing while the token we hold lasts.
                tokenset = refreshed.Tokenset ?? tokenset;
            }

            return await DeliverAsync(attempt, tokenset, connection, cancellationToken);
        }
        catch (CorruptRecordException e)
        {
            // What is remembered may have been sealed anew since, under another key.
            return attempt.Recall.HasHappened
                ? await FromStoreAsync(attempt, cancellationToken)
                : await audit.CorruptAsync(attempt, e, Corrupt());
        }
    }

    /// <summary>From a tokenset that is as fresh as can be had to the answer.</summary>
    private async ValueTask<Outcome<TokenResponse>> DeliverAsync(
        ExchangeAttempt attempt, Tokenset tokenset, Connection connection, CancellationToken cancellationToken)
    {
        // 6 alive, and enough for what was asked?
        if (TokensetRefusal(tokenset, attempt.Request) is { } refusal)
        {
            return await RefuseAsync(attempt, refusal, cancellationToken);
        }

        // and not more than the client may have: else it is to be narrowed.
        var scopes = reach.ScopesFor(attempt, tokenset, connection);
        if (scopes.Failed(out var tooWide))
        {
            return await RefuseAsync(attempt, tooWide, cancellationToken);
        }

        // Nobody is asked for anything, neither the provider nor the user, by what is only remembered.
        if (attempt.Recall.HasHappened && (!ReferenceEquals(scopes.Value, tokenset.Scopes) || ApprovalRules.Demanded(connection, attempt, scopes.Value) is not null))
        {
            return await FromStoreAsync(attempt, cancellationToken);
        }

        // 7 approved by the user, where a rule demands it: asked last, so that nobody approves what cannot be had.
        var (approval, unapproved) = await rules.ApprovalAsync(attempt, connection, tokenset with { Scopes = scopes.Value }, cancellationToken);
        if (unapproved is not null)
        {
            return await RefuseAsync(attempt, unapproved, cancellationToken);
        }

        var fitting = await reach.TakeAsync(attempt, tokenset, connection, scopes.Value, cancellationToken);
        if (fitting.Failed(out var notNarrowed))
        {
            return await audit.FailedAsync(attempt, notNarrowed);
        }

        // 8 the audit row is durable before the token leaves. A tokenset that was disconnected or renewed meanwhile: all over again.
        return await audit.SucceededAsync(attempt with { Approval = approval }, fitting.Value.As, fitting.Value.Token) switch
        {
            Delivery.Recorded => Answer(attempt, fitting.Value, approval),
            Delivery.Replayed => await audit.FailedAsync(attempt, ExchangeErrors.Replayed()),
            _ => await FromStoreAsync(attempt, cancellationToken),
        };
    }

    private ValueTask<Outcome<TokenResponse>> FromStoreAsync(ExchangeAttempt attempt, CancellationToken cancellationToken) =>
        RunAsync(attempt with { Recall = Recall.None }, cancellationToken);

    private async ValueTask<Outcome<TokenResponse>> RefuseAsync(ExchangeAttempt attempt, OAuthError error, CancellationToken cancellationToken) =>
        attempt.Recall.HasHappened
            ? await FromStoreAsync(attempt, cancellationToken)
            : await audit.FailedAsync(attempt, error);

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

        return request.Scopes.Count > 0 && request.Scopes.Except(tokenset.Scopes, StringComparer.Ordinal).ToList() is { Count: > 0 } missing
            ? ExchangeErrors.MissingScopes(missing)
            : null;
    }

    /// <summary>How long the provider's token lives cannot be changed; an agent is told to come back sooner.</summary>
    private TokenResponse Answer(ExchangeAttempt attempt, LeavingToken leaving, Approval? approval)
    {
        var seconds = attempt.Request.AsksForRefreshToken ? ExchangeAudit.LifetimeOfEndless : audit.SecondsLeft(leaving.As);
        var told = attempt.Client.AgentPolicy is { MaxLifetime: > 0 and var most } ? Math.Min(seconds, most) : seconds;
        return new TokenResponse(leaving.Token, told)
        {
            Scope = leaving.As.Scopes.Count == 0 ? null : Scope.Format(leaving.As.Scopes),
            IssuedTokenType = attempt.Request.IssuedTokenType,
            Further = leaving.As.Kept,
            ApprovalId = approval?.Id,
        };
    }

    private static OAuthError Corrupt() => ExchangeErrors.Reauthorize("the stored tokenset is corrupt");
}
