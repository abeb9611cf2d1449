using System.Text.Json.Nodes;
using TokenVault.Server.Accounts;
using TokenVault.Server.Audit;
using TokenVault.Server.Clients;
using TokenVault.Server.Connections;
using TokenVault.Server.Storage;
using TokenVault.Server.Tokensets;
using TokenVault.Server.Users;

namespace TokenVault.Server;

/// <summary>
/// The work of <c>revoke</c>, wherever it is done: disconnects accounts, so that no client is given their tokens any more, and has the
/// providers end the grants. What the providers refuse is tried again for a day, as with an account that its user disconnects.
/// </summary>
internal sealed class RevokeOperation(IStorage storage, AccountRemoval removal, AuditLog audit, ILogger<RevokeOperation> logger)
{
    private const int AtOnce = 8;

    /// <summary>An account that is being refreshed changes under our hands; its newest token is the one to revoke.</summary>
    private const int Attempts = 20;

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(0.2);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    /// <returns>The exit code: 1 when something is left to do.</returns>
    /// <exception cref="StartupException">There is no such client, connection or user.</exception>
    public async Task<int> RunAsync(RevokeScope scope, TextWriter output, CancellationToken cancellationToken)
    {
        var accounts = await AccountsAsync(scope, cancellationToken);
        var lines = new ProgressLines(output, "disconnecting");
        var revocations = new HashSet<string>(StringComparer.Ordinal);
        var (done, left) = (0, 0);
        await Parallel.ForEachAsync(accounts, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken }, async (account, _) =>
        {
            var queued = await DisconnectAsync(account, scope, cancellationToken);
            lock (lines)
            {
                (done, left) = queued is null ? (done, left + 1) : (done + 1, left);
                revocations.UnionWith(queued ?? []);
                lines.Tell(done + left, accounts.Count);
            }
        });
        await output.WriteLineAsync($"Disconnected {ProgressLines.Count(done)} accounts; {ProgressLines.Count(left)} keep changing and are left: say it again.");
        return await ReportAsync(revocations, output, cancellationToken) && left == 0 ? 0 : 1;
    }

    /// <returns>The ids of the revocations that the providers are to be asked for; null when it did not succeed.</returns>
    private async Task<List<string>?> DisconnectAsync(ConnectedAccount account, RevokeScope scope, CancellationToken cancellationToken)
    {
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            if (await storage.FindAsync<ConnectedAccount>(account.Id, cancellationToken) is null)
            {
                return [];
            }

            var batch = await removal.OfAsync(account, cancellationToken);
            var queued = batch.Operations.OfType<InsertOperation>().Where(insert => insert.Entity.Kind == PendingRevocation.Kind).Select(insert => insert.Entity.Id).ToList();
            if ((await storage.CommitAsync(batch.Append(audit.Row(Trace(account, scope))))).Committed)
            {
                return queued;
            }
        }

        return null;
    }

    /// <summary>Waits until each provider was asked once, and tells what came of it.</summary>
    private async Task<bool> ReportAsync(HashSet<string> ids, TextWriter output, CancellationToken cancellationToken)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var states = new Dictionary<string, int>(StringComparer.Ordinal);
            var untried = 0;
            foreach (var id in ids)
            {
                var revocation = await storage.FindAsync<PendingRevocation>(id, cancellationToken);
                var state = RevocationStates.Name(revocation?.State ?? RevocationState.Revoked);
                states[state] = states.GetValueOrDefault(state) + 1;
                untried += revocation is { State: RevocationState.Pending, Attempts: 0 } ? 1 : 0;
            }

            if (untried > 0 && TimeProvider.System.GetElapsedTime(began) < Patience)
            {
                await Task.Delay(Soon, TimeProvider.System, cancellationToken);
                continue;
            }

            var words = states.OrderBy(state => state.Key, StringComparer.Ordinal).Select(state => $"{state.Key} {ProgressLines.Count(state.Value)}");
            await output.WriteLineAsync($"Grants at the providers: {(states.Count == 0 ? "none" : string.Join(", ", words))}.");
            var open = states.GetValueOrDefault("pending") + states.GetValueOrDefault("failed");
            if (open > 0)
            {
                await output.WriteLineAsync("What is pending is tried again for a day by a running server; /api/v2/users/{id}/token-revocations shows each.");
            }

            return open == 0;
        }
    }

    private async Task<List<ConnectedAccount>> AccountsAsync(RevokeScope scope, CancellationToken cancellationToken)
    {
        switch (scope.Kind)
        {
            case RevokeScope.User:
                return await OfUserAsync(scope.Id!, cancellationToken);
            case RevokeScope.Connection:
                var connection = await storage.FindByKeyAsync<Connection>("name", scope.Id!, cancellationToken)
                    ?? await storage.FindAsync<Connection>(scope.Id!, cancellationToken)
                    ?? throw new StartupException($"There is no connection '{scope.Id}'.");
                return await ListAsync(EntityKey.Index("connection", connection.Id), cancellationToken);
            case RevokeScope.Client:
                return await OfClientAsync(scope.Id!, cancellationToken);
            default:
                return await ListAsync(index: null, cancellationToken);
        }
    }

    /// <summary>A slip in the id must not look as if everything were withdrawn.</summary>
    private async Task<List<ConnectedAccount>> OfUserAsync(string userId, CancellationToken cancellationToken)
    {
        var accounts = await ListAsync(EntityKey.Index("user", userId), cancellationToken);
        return accounts.Count > 0 || await storage.FindAsync<User>(userId, cancellationToken) is not null
            ? accounts
            : throw new StartupException($"There is no user '{userId}'.");
    }

    /// <summary>Everything at the connections that are enabled for the client: whoever had its credentials could have been given any of it.</summary>
    private async Task<List<ConnectedAccount>> OfClientAsync(string clientId, CancellationToken cancellationToken)
    {
        var client = await storage.FindAsync<Client>(clientId, cancellationToken) ?? throw new StartupException($"There is no client '{clientId}'.");
        var accounts = new List<ConnectedAccount>();
        foreach (var connection in await storage.ListAllAsync<Connection>(index: null, cancellationToken))
        {
            if (connection.IsEnabledFor(client.ClientId))
            {
                accounts.AddRange(await ListAsync(EntityKey.Index("connection", connection.Id), cancellationToken));
            }
        }

        return accounts;
    }

    private Task<List<ConnectedAccount>> ListAsync(EntityKey? index, CancellationToken cancellationToken) =>
        storage.ListReadableAsync<ConnectedAccount>(index, logger, cancellationToken).AsTask();

    private static AuditEvent Trace(ConnectedAccount account, RevokeScope scope) => new()
    {
        Type = AuditType.ConnectedAccountDeleted,
        Description = "The operator withdraws grants: " + scope,
        UserId = account.UserId,
        Connection = account.Connection,
        ConnectionId = account.ConnectionId,
        Details = new JsonObject { ["connected_account"] = new JsonObject { ["id"] = account.Id } },
    };
}
