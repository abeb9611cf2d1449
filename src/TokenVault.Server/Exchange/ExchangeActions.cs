using System.Text.Json.Nodes;
using TokenVault.Server.Actions;
using TokenVault.Server.Connections;
using TokenVault.Server.Http;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Exchange;

/// <summary>Asks the actions of the trigger token-exchange about an exchange, before anything of the vault is opened for it.</summary>
internal sealed class ExchangeActions(ActionRun actions)
{
    /// <summary>Actions are asked about what is stored, and not about what earlier exchanges have read.</summary>
    public async ValueTask<bool> AnyAsync(CancellationToken cancellationToken) => await actions.AnyAsync(ActionTrigger.TokenExchange, cancellationToken);

    /// <returns>The attempt, within what the actions allow; or why not.</returns>
    public async ValueTask<Outcome<ExchangeAttempt>> ApplyAsync(ExchangeAttempt attempt, Connection connection, CancellationToken cancellationToken)
    {
        if (!await AnyAsync(cancellationToken))
        {
            return attempt;
        }

        var decided = await actions.RunAsync(ActionTrigger.TokenExchange, Event(attempt, connection), cancellationToken);
        if (decided.Failed(out var refused))
        {
            return refused with { Reason = FailureReason.PolicyDenied };
        }

        return decided.Value.RequiresMultiFactor && !AuthenticationMethod.IsMultiFactor(attempt.Subject!.Methods)
            ? ExchangeErrors.MultiFactorByAction()
            : attempt with { MostScopes = decided.Value.Scopes, RequiresApproval = decided.Value.RequiresApproval };
    }

    private static ActionEvent Event(ExchangeAttempt attempt, Connection connection)
    {
        var (request, subject) = (attempt.Request, attempt.Subject!);
        return new ActionEvent(TransactionProtocol.TokenExchange, attempt.Client, attempt.Origin, ActionCommand.OfVault)
        {
            User = subject.User.Value,
            Connection = connection,
            RequestedScopes = request.Scopes,
            Methods = subject.Methods,
            Transaction = new JsonObject
            {
                ["grant_type"] = Wire.FederatedExchange,
                ["subject_token_type"] = request.SubjectTokenType,
                ["requested_token_type"] = request.IssuedTokenType,
            }.With("login_hint", request.LoginHint).With("audit_context", subject.AuditContext),
        };
    }
}
