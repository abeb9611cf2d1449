using TokenVault.Server.Actions;
using TokenVault.Server.Clients;
using TokenVault.Server.Connections;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.OAuth;

/// <summary>Asks the actions of the trigger post-login, wherever tokens of this server's come of a user's authorization.</summary>
internal sealed class PostLoginActions(ActionRun actions, RecordCache cache, ApiAccessPolicy policy, MultiFactorTokens multiFactor)
{
    public async ValueTask<Outcome<ActionVerdict>> DecideAsync(PostLogin login, CancellationToken cancellationToken)
    {
        if (!await actions.AnyAsync(ActionTrigger.PostLogin, cancellationToken))
        {
            return ActionVerdict.None;
        }

        var about = new ActionEvent(login.Protocol, login.Client, login.Origin, ActionCommand.OfIssue)
        {
            User = login.User,
            Connection = await cache.FindByKeyAsync<Connection>("name", login.Connection ?? login.User.Connection, cancellationToken),
            Audience = login.Audience,
            RequestedScopes = login.RequestedScopes,
            Methods = login.Methods,
            Transaction = login.Transaction,
        };
        return await actions.RunAsync(ActionTrigger.PostLogin, about, cancellationToken);
    }

    /// <summary>Where the user is not there to be asked: what a grant comes to now, by the API's policy and the actions, or why it does not.</summary>
    /// <param name="scopes">Those that were granted.</param>
    /// <param name="proven">The keys that the client has proved to hold.</param>
    public async ValueTask<Outcome<ApiAccess>> AccessAsync(PostLogin login, IReadOnlyList<string> scopes, Confirmation proven, CancellationToken cancellationToken)
    {
        var access = await policy.ForUserAsync(login.Client, login.Audience, scopes, cancellationToken);
        access = access.Failed(out _) ? access : access.Value.Bind(login.Client, proven);
        return access.Failed(out _) ? access : await ApplyAsync(login, access.Value, cancellationToken);
    }

    private async ValueTask<Outcome<ApiAccess>> ApplyAsync(PostLogin login, ApiAccess access, CancellationToken cancellationToken)
    {
        var decided = await DecideAsync(login, cancellationToken);
        if (decided.Failed(out var refused) || (!login.IsApproved && (refused = decided.Value.ApprovalRefusal) is not null))
        {
            return refused;
        }

        var verdict = decided.Value;
        return verdict.RequiresMultiFactor && !AuthenticationMethod.IsMultiFactor(login.Methods)
            ? await multiFactor.DemandAsync(login.User.UserId, cancellationToken)
            : access with { Scopes = verdict.Narrow(access.Scopes), Custom = verdict.Claims };
    }
}
