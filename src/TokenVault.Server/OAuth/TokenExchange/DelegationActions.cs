using System.Text.Json.Nodes;
using TokenVault.Server.Actions;
using TokenVault.Server.Clients;
using TokenVault.Server.Http;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.OAuth.TokenExchange;

/// <summary>Asks the actions of the trigger token-exchange about an exchange of RFC 8693, once it is clear what it would come to.</summary>
internal sealed class DelegationActions(ActionRun actions)
{
    public async ValueTask<Outcome<ApiAccess>> ApplyAsync(
        DelegationRequest request, TokenRequest caller, DelegationSubject subject, ApiAccess access, CancellationToken cancellationToken)
    {
        if (!await actions.AnyAsync(ActionTrigger.TokenExchange, cancellationToken))
        {
            return access;
        }

        var decided = await actions.RunAsync(ActionTrigger.TokenExchange, Event(request, caller, subject), cancellationToken);
        if (decided.Failed(out var refused) || (refused = decided.Value.ApprovalRefusal) is not null)
        {
            return refused;
        }

        var verdict = decided.Value;
        if (verdict.RequiresMultiFactor && !AuthenticationMethod.IsMultiFactor(subject.Methods))
        {
            return new OAuthError(401, "mfa_required", "Multifactor authentication required: an action demands it, and the subject token is of a session without a second factor.");
        }

        var scopes = verdict.Narrow(access.Scopes);
        return scopes.Count == 0 && access.Scopes.Count > 0
            ? OAuthError.InvalidScope("An action leaves none of the requested scopes.")
            : access with { Scopes = scopes, Custom = verdict.Claims };
    }

    private static ActionEvent Event(DelegationRequest request, TokenRequest caller, DelegationSubject subject)
    {
        var transaction = new JsonObject
        {
            ["grant_type"] = Wire.TokenExchange,
            ["subject_token_type"] = request.SubjectTokenType,
            ["requested_token_type"] = request.IssuedTokenType,
        };
        transaction.With("actor_token_type", request.ActorTokenType).With("subject_client_id", subject.ClientId);
        return new ActionEvent(TransactionProtocol.TokenExchange, caller.Client, caller.Origin, ActionCommand.OfIssue)
        {
            User = subject.User,
            Audience = request.Audience,
            RequestedScopes = request.Scopes,
            Methods = subject.Methods,
            Transaction = transaction,
        };
    }
}
