using TokenVault.Server.Approvals;
using TokenVault.Server.Audit;
using TokenVault.Server.Connections;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Tokensets;

namespace TokenVault.Server.Exchange;

/// <summary>
/// The user's approval of an exchange: asked for once, however often the client comes back meanwhile, and found again by all that it is about.
/// Another scope, account, kind of token, term or, where it is good once, another reason is another approval.
/// </summary>
internal sealed class ExchangeApprovals(IStorage storage, ApprovalRequests requests)
{
    /// <returns>The approval that the token leaves with, if a rule demands one; or what to answer instead.</returns>
    public async ValueTask<(Approval? Given, OAuthError? Refusal)> FindAsync(
        ExchangeAttempt attempt, Connection connection, Tokenset tokenset, CancellationToken cancellationToken)
    {
        if (ApprovalRules.Demanded(connection, attempt.Client, tokenset.Scopes) is not { } rule)
        {
            return (null, null);
        }

        var wanted = Wanted(attempt, connection, tokenset, rule);
        while (true)
        {
            switch (await storage.FindByKeyAsync<Approval>("exchange", wanted.ExchangeHash!, cancellationToken))
            {
                case { State: ApprovalState.Approved } given:
                    return (given, null);
                case { State: ApprovalState.Denied }:
                    return (null, ExchangeErrors.Denied("The user denied the exchange."));
                case { } pending:
                    return (null, ExchangeErrors.ApprovalRequired(pending, requests.Issuer, requests.Now));
            }

            if (await requests.RefusalAsync(wanted.UserId, cancellationToken) is { } tooMany)
            {
                return (null, tooMany);
            }

            // Otherwise another exchange has just asked for the same: theirs is found in the next round.
            if (await requests.StartAsync(wanted, Event(attempt, connection)))
            {
                return (null, ExchangeErrors.ApprovalRequired(wanted, requests.Issuer, requests.Now));
            }
        }
    }

    private Approval Wanted(ExchangeAttempt attempt, Connection connection, Tokenset tokenset, ConnectionApproval rule)
    {
        var (request, client) = (attempt.Request, attempt.Client);
        var reason = attempt.Subject!.AuditContext;
        var scopes = Scope.Format(tokenset.Scopes.Order(StringComparer.Ordinal));
        var (now, kind) = (requests.Now, request.AsksForRefreshToken ? "refresh" : "access");
        return new Approval
        {
            Id = Approval.NewId(),
            ClientId = client.ClientId,
            UserId = tokenset.UserId,
            ExchangeHash = Identifier.Hash($"{tokenset.UserId}\n{client.ClientId}\n{tokenset.AccountId}\n{tokenset.GrantId}\n{kind}\n{scopes}\n{rule.ValidFor}\n{(rule.ValidFor == 0 ? reason : null)}"),
            Scopes = tokenset.Scopes,
            BindingMessage = reason,
            ConnectionId = connection.Id,
            Connection = connection.Name,
            AccountName = tokenset.UpstreamEmail ?? tokenset.UpstreamUserId,
            ForRefreshToken = request.AsksForRefreshToken,
            ValidFor = rule.ValidFor,
            RequestedAt = now,
            Deadline = now.AddSeconds(rule.ExpiresIn),
        };
    }

    private static AuditEvent Event(ExchangeAttempt attempt, Connection connection) => new AuditEvent
    {
        Type = AuditType.ApprovalRequested,
        ClientId = attempt.Client.ClientId,
        ClientName = attempt.Client.Name,
        Connection = connection.Name,
        ConnectionId = connection.Id,
    }.From(attempt.Origin);
}
