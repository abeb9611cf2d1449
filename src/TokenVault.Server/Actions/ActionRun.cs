using System.Text.Json.Nodes;
using TokenVault.Server.Audit;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Actions;

/// <summary>
/// Asks the actions of a trigger, one after the other, until one denies; all of them together in a bounded time. Without an answer an action
/// that fails closed denies, and one that fails open is passed over; either leaves its row.
/// </summary>
internal sealed class ActionRun(IStorage storage, RecordCache cache, ActionCall call, AuditLog audit, TimeProvider time)
{
    /// <summary>However many actions there are.</summary>
    public static readonly TimeSpan TotalTime = TimeSpan.FromSeconds(10);

    /// <summary>From memory: where nothing is bound, it costs nothing to ask.</summary>
    public async ValueTask<bool> AnyAsync(string trigger, CancellationToken cancellationToken) =>
        await cache.FindAsync<ActionBindings>(trigger, cancellationToken) is { Bindings.Count: > 0 };

    public async ValueTask<Outcome<ActionVerdict>> RunAsync(string trigger, ActionEvent about, CancellationToken cancellationToken)
    {
        var bindings = (await cache.FindAsync<ActionBindings>(trigger, cancellationToken))?.Bindings ?? [];
        var (id, start, all) = (NewId(), time.GetTimestamp(), ActionVerdict.None);
        foreach (var binding in bindings)
        {
            if (await cache.FindAsync<RemoteAction>(binding.ActionId, cancellationToken) is not { } action)
            {
                return OAuthError.AccessDenied("An action that has to agree does not exist.") with { Detail = binding.ActionId };
            }

            var verdict = await AskAsync(action, id, about, TotalTime - time.GetElapsedTime(start), cancellationToken);
            if (verdict.Failed(out var refused))
            {
                return refused;
            }

            all = all.And(verdict.Value);
        }

        return all;
    }

    /// <summary>An action by itself, which is bound to nothing.</summary>
    public ValueTask<Outcome<ActionVerdict>> AskAsync(RemoteAction action, ActionEvent about, CancellationToken cancellationToken) =>
        AskAsync(action, NewId(), about, TotalTime, cancellationToken);

    private async ValueTask<Outcome<ActionVerdict>> AskAsync(
        RemoteAction action, string id, ActionEvent about, TimeSpan left, CancellationToken cancellationToken)
    {
        var own = TimeSpan.FromMilliseconds(action.Timeout);
        var (verdict, problem) = left > TimeSpan.Zero
            ? await call.AskAsync(action, id, about, own < left ? own : left, cancellationToken)
            : (null, "the actions before it took all the time there is");
        if (verdict is null)
        {
            var how = action.FailsOpen ? "open" : "closed";
            await LogAsync(AuditType.ActionFailed, action, id, about, problem, new JsonObject { ["failure"] = how });
            return action.FailsOpen
                ? ActionVerdict.None
                : OAuthError.AccessDenied("An action that has to agree could not be asked.") with { Detail = $"{action.Name}: {problem}" };
        }

        if (!verdict.IsDenied)
        {
            return verdict;
        }

        var reason = verdict.Reason is null ? "An action denies it." : OAuthError.Shown(verdict.Reason);
        await LogAsync(AuditType.ActionDenied, action, id, about, reason, []);
        return OAuthError.AccessDenied(reason);
    }

    private async ValueTask LogAsync(string type, RemoteAction action, string id, ActionEvent about, string what, JsonObject details)
    {
        details["action_id"] = action.Id;
        details["action_name"] = action.Name;
        details["trigger"] = action.Trigger;
        details["protocol"] = about.Protocol;
        details["event_id"] = id;
        var row = new AuditEvent
        {
            Type = type,
            Description = what,
            ClientId = about.Client.ClientId,
            ClientName = about.Client.Name,
            UserId = about.User?.UserId,
            Connection = about.Connection?.Name,
            ConnectionId = about.Connection?.Id,
            Audience = about.Audience,
            Details = details,
        };
        await storage.CommitAsync(new Batch().Append(audit.Row(row.From(about.Origin))));
    }

    private static string NewId() => "evt_" + Identifier.Secret();
}
