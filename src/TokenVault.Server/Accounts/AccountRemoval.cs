using TokenVault.Server.Connections;
using TokenVault.Server.Storage;
using TokenVault.Server.Tokensets;
using TokenVault.Server.Users;

namespace TokenVault.Server.Accounts;

/// <summary>
/// What goes when an account is disconnected: the account, its tokenset, whatever could bring it back (T-CF-08), and, through the
/// outbox, the grant at the provider (T-UP-15).
/// </summary>
internal sealed class AccountRemoval(IStorage storage, RecordCache cache, TokensetSealer sealer, RevocationOutbox outbox)
{
    /// <summary>To be committed as a whole; fails with a version conflict when a refresh changed the tokenset meanwhile.</summary>
    public async ValueTask<Batch> OfAsync(ConnectedAccount account, CancellationToken cancellationToken)
    {
        var batch = Rows(account.Id, account.UserId, account.ConnectionId);
        var row = await storage.FindAsync(Tokenset.Kind, account.TokensetId, cancellationToken);
        return row is null ? batch : await WithRevocationAsync(batch, row, connection: null, cancellationToken);
    }

    /// <summary>For a user who is deleted: all their grants.</summary>
    public ValueTask OfUserAsync(User user, Batch batch, CancellationToken cancellationToken) =>
        OfIndexAsync(EntityKey.Index("user", user.UserId), connection: null, batch, cancellationToken);

    /// <summary>For a connection that is deleted: all its grants.</summary>
    public ValueTask OfConnectionAsync(Connection connection, Batch batch, CancellationToken cancellationToken) =>
        OfIndexAsync(EntityKey.Index("connection", connection.Id), connection, batch, cancellationToken);

    private async ValueTask OfIndexAsync(EntityKey index, Connection? connection, Batch batch, CancellationToken cancellationToken)
    {
        const int chunk = 500;
        IReadOnlyList<Entity> rows = [];
        do
        {
            var query = new ListQuery(Tokenset.Kind) { Index = index, After = rows.Count == 0 ? null : rows[^1].Id, Take = chunk };
            rows = await storage.ListAsync(query, cancellationToken);
            foreach (var row in rows)
            {
                await WithRevocationAsync(batch, row, connection, cancellationToken);
            }
        }
        while (rows.Count == chunk);
    }

    private async ValueTask<Batch> WithRevocationAsync(Batch batch, Entity row, Connection? connection, CancellationToken cancellationToken)
    {
        try
        {
            var tokenset = row.ToRecord<Tokenset>();
            var provider = connection ?? await cache.FindAsync<Connection>(tokenset.ConnectionId, cancellationToken);
            if (provider is null)
            {
                return batch;
            }

            // Only the newest refresh token ends the grant for sure: a refresh in between makes the commit fail, and it is tried again.
            var (accessToken, refreshToken) = sealer.Open(tokenset);
            return outbox.Enqueue(batch.Require(tokenset), tokenset, provider, accessToken, refreshToken);
        }
        catch (CorruptRecordException)
        {
            // What cannot be opened cannot be revoked; it goes all the same.
            return batch;
        }
    }

    private static Batch Rows(string accountId, string userId, string connectionId)
    {
        var pending = ConnectRequest.PendingIndex(userId, connectionId);
        return new Batch().DeleteIndexed("account", accountId).DeleteIndexed(pending.Name, pending.Value);
    }
}
