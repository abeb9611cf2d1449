using TokenVault.Server.Clients;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Users;

namespace TokenVault.Server.OAuth.Logout;

/// <summary>Takes down which clients are to be told that a session ends, in the commit that ends it; <see cref="LogoutDelivery"/> sees to it.</summary>
internal sealed class LogoutOutbox(IStorage storage, RecordCache cache, TimeProvider time)
{
    /// <summary>See <see cref="SessionEnd"/>. A client that takes part in the session meanwhile moves its version: then this is done again.</summary>
    public async ValueTask EndAsync(Session session, string cause, Batch batch, CancellationToken cancellationToken)
    {
        batch.Require(session);
        var now = time.GetUtcNow();
        foreach (var clientId in session.ClientIds)
        {
            var client = await cache.FindAsync<Client>(clientId, cancellationToken);
            if (client?.OidcLogout?.IsToldOf(cause) == true)
            {
                batch.Insert(new PendingLogout
                {
                    Id = "lgt_" + Identifier.Secret(),
                    ClientId = clientId,
                    UserId = session.UserId,
                    SessionId = session.Id,
                    CreatedAt = now,
                    NextAttemptAt = now,
                });
            }
        }
    }

    /// <summary>See <see cref="UserRemoval"/>.</summary>
    public async ValueTask RemoveUserAsync(User user, Batch batch, CancellationToken cancellationToken)
    {
        foreach (var session in await storage.ListAllAsync<Session>(EntityKey.Index("user", user.UserId), cancellationToken))
        {
            await EndAsync(session, SessionEndCause.AccountDeleted, batch, cancellationToken);
        }
    }
}
