using System.Text.Json.Nodes;
using TokenVault.Server.Actions;
using TokenVault.Server.Clients;
using TokenVault.Server.Http;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.OAuth.TokenExchange;

/// <summary>Asks the action that a token exchange profile names whose a foreign token is: the one event that has a token in it, which is not ours.</summary>
internal sealed class ActionDecision(ActionRun actions, RecordCache cache)
{
    /// <summary>See <see cref="ProfileDecision"/>.</summary>
    public async ValueTask<Outcome<DecidedSubject>?> DecideAsync(TokenExchangeProfile profile, TokenRequest request, CancellationToken cancellationToken)
    {
        if (await cache.FindAsync<RemoteAction>(profile.ActionId, cancellationToken) is not { Trigger: ActionTrigger.CustomTokenExchange } action)
        {
            return null;
        }

        var decided = await actions.AskAsync(action, Event(request), cancellationToken);
        if (decided.Failed(out var refused))
        {
            return refused;
        }

        return decided.Value.UserId is { } userId
            ? new DecidedSubject(userId) { Actor = decided.Value.Actor }
            : OAuthError.AccessDenied("The action of the token exchange profile named no user.");
    }

    private static ActionEvent Event(TokenRequest request)
    {
        var parameters = request.Parameters;
        var transaction = new JsonObject
        {
            ["grant_type"] = Wire.TokenExchange,
            ["subject_token"] = parameters["subject_token"],
            ["subject_token_type"] = parameters["subject_token_type"],
        };
        if (parameters["actor_token_type"] is { } type)
        {
            transaction["actor_token_type"] = type;
            transaction.With("actor_token", DelegationRequest.IsOurs(type) ? null : parameters["actor_token"]);
        }

        return new ActionEvent(TransactionProtocol.TokenExchange, request.Client, request.Origin, ActionCommand.OfForeignToken)
        {
            Audience = parameters["audience"] ?? parameters["resource"],
            RequestedScopes = Scope.Parse(parameters["scope"]),
            Transaction = transaction,
        };
    }
}
