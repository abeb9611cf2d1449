using System.Text.Json.Nodes;
using TokenVault.Server.Audit;
using TokenVault.Server.Connections;
using TokenVault.Server.Storage;
using TokenVault.Server.Tokensets;
using TokenVault.Server.Users;

namespace TokenVault.Server.Accounts;

/// <summary>
/// What goes when an account is disconnected: the account, its tokenset, whatever could bring it back (T-CF-08), and, through the
/// outbox, the grant at the provider (T-UP-15).
/// </summary>
internal sealed class AccountRemoval(
    IStorage storage, RecordCache cache, TokensetSealer sealer, RefreshKeeping keeping, RevocationOutbox outbox, AuditLog audit)
{
    /// <summary>More accounts than this go one by one: one commit of them all would stand in everybody's way, and fail when any of them is refreshed meanwhile.</summary>
    private const int MostInOneCommit = 200;

    /// <summary>To be committed as a whole; fails with a version conflict when a refresh changed the tokenset meanwhile.</summary>
    public async ValueTask<Batch> OfAsync(ConnectedAccount account, CancellationToken cancellationToken)
    {
        var batch = Rows(account.Id, account.UserId, account.ConnectionId);
        await OfIndexAsync(EntityKey.Index("account", account.Id), connection: null, batch, cancellationToken);
        return batch;
    }

    /// <summary>For a user who is deleted: all their grants.</summary>
    public async ValueTask OfUserAsync(User user, Batch batch, CancellationToken cancellationToken) =>
        await OfIndexAsync(EntityKey.Index("user", user.UserId), connection: null, batch, cancellationToken);

    /// <summary>
    /// For a connection that is deleted: all its grants. Of many, most have gone before the batch is committed; a deletion that breaks
    /// off is asked for again, and goes on where it was.
    /// </summary>
    public async ValueTask OfConnectionAsync(Connection connection, Batch batch, CancellationToken cancellationToken)
    {
        await ThinOutAsync(connection, cancellationToken);
        await OfIndexAsync(EntityKey.Index("connection", connection.Id), connection, batch, cancellationToken);
    }

    /// <summary>Whether tokens of users, or such as wait for them, are sent to where the connection points.</summary>
    public async ValueTask<bool> HasTokensAsync(Connection connection, CancellationToken cancellationToken)
    {
        // A request goes in the commit that makes a tokenset of it: who looks for requests first misses neither.
        foreach (var kind in (string[])[ConnectRequest.Kind, Tokenset.Kind, RefreshSpare.Kind])
        {
            var any = new ListQuery(kind) { Index = EntityKey.Index("connection", connection.Id), Take = 1 };
            if (await storage.CountAsync(any, cancellationToken) > 0)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>One look at each account; what is refreshed meanwhile, and what is left of the last portion, goes with the connection.</summary>
    private async ValueTask ThinOutAsync(Connection connection, CancellationToken cancellationToken)
    {
        var query = new ListQuery(ConnectedAccount.Kind) { Index = EntityKey.Index("connection", connection.Id), Take = MostInOneCommit };
        while (await storage.ListAsync(query, cancellationToken) is { Count: MostInOneCommit } accounts)
        {
            await Parallel.ForEachAsync(accounts, cancellationToken, async (row, _) =>
            {
                var batch = new Batch().DeleteIndexed("account", row.Id);
                var owner = await OfIndexAsync(EntityKey.Index("account", row.Id), connection, batch, cancellationToken);
                await storage.CommitAsync(batch.Append(audit.Row(Trace(row.Id, connection, owner))));
            });
            query = query with { After = accounts[^1].Id };
        }
    }

    private static AuditEvent Trace(string accountId, Connection connection, TokenOwner? owner) => new()
    {
        Type = AuditType.ConnectedAccountDeleted,
        Description = "The connection is being deleted.",
        UserId = owner?.UserId,
        Connection = connection.Name,
        ConnectionId = connection.Id,
        Details = new JsonObject { ["connected_account"] = new JsonObject { ["id"] = accountId } },
    };

    /// <returns>One of those whose grants these are, when any can be read.</returns>
    private async ValueTask<TokenOwner?> OfIndexAsync(EntityKey index, Connection? connection, Batch batch, CancellationToken cancellationToken)
    {
        var owners = new Dictionary<string, TokenOwner?>(StringComparer.Ordinal);
        foreach (var row in await storage.ListRowsAsync(Tokenset.Kind, index, cancellationToken))
        {
            owners[row.Id] = await RevokeTokensetAsync(batch, row, connection, cancellationToken);
        }

        foreach (var row in await storage.ListRowsAsync(RefreshSpare.Kind, index, cancellationToken))
        {
            await RevokeSpareAsync(batch, row, owners, connection, cancellationToken);
        }

        return owners.Values.FirstOrDefault(owner => owner is not null);
    }

    private async ValueTask<TokenOwner?> RevokeTokensetAsync(Batch batch, Entity row, Connection? connection, CancellationToken cancellationToken)
    {
        try
        {
            var tokenset = row.ToRecord<Tokenset>();
            if ((connection ?? await cache.FindAsync<Connection>(tokenset.ConnectionId, cancellationToken)) is { } provider)
            {
                // Only the newest refresh token ends the grant for sure: a refresh in between makes the commit fail, and it is tried again.
                var (accessToken, refreshToken) = sealer.Open(tokenset);
                outbox.Enqueue(batch.Require(tokenset), TokenOwner.Of(tokenset), provider, accessToken, refreshToken);
            }

            return TokenOwner.Of(tokenset);
        }
        catch (CorruptRecordException)
        {
            // What cannot be opened cannot be revoked; it goes all the same.
            return null;
        }
    }

    /// <summary>Whatever is kept beside a tokenset is of the same account at the provider.</summary>
    private async ValueTask RevokeSpareAsync(
        Batch batch, Entity row, Dictionary<string, TokenOwner?> owners, Connection? connection, CancellationToken cancellationToken)
    {
        try
        {
            var spare = row.ToRecord<RefreshSpare>();
            if (keeping.Open(spare) is { } tokens && (connection ?? await cache.FindAsync<Connection>(spare.ConnectionId, cancellationToken)) is { } provider)
            {
                var owner = owners.GetValueOrDefault(spare.TokensetId) ?? new TokenOwner(spare.UserId, spare.AccountId, spare.TokensetId, null, null);
                outbox.Enqueue(batch, owner, provider, tokens.Access, tokens.Refresh);
            }
        }
        catch (CorruptRecordException)
        {
            // What cannot be read cannot be revoked; it goes all the same.
        }
    }

    private static Batch Rows(string accountId, string userId, string connectionId)
    {
        var pending = ConnectRequest.PendingIndex(userId, connectionId);
        return new Batch().DeleteIndexed("account", accountId).DeleteIndexed(pending.Name, pending.Value);
    }
}
