using System.Text.Json.Nodes;
using TokenVault.Server.Http;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Users;

/// <summary>A user's sign-in sessions, as administrators see and end them.</summary>
internal sealed class SessionEndpoints(ManagementRecords records, SessionEnd ending)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapManagement("GET", "/users/{id}/sessions", "read:sessions", ListAsync).Describe(UserDocs.Sessions);
        routes.MapManagement("DELETE", "/users/{id}/sessions", "delete:sessions", DeleteAllAsync).Describe(UserDocs.EndSessions);
        routes.MapManagement("GET", "/sessions/{id}", "read:sessions", GetAsync).Describe(UserDocs.Session);
        routes.MapManagement("DELETE", "/sessions/{id}", "delete:sessions", DeleteAsync).Describe(UserDocs.EndSession);
    }

    public static JsonObject View(Session session) => new()
    {
        ["id"] = session.Id,
        ["user_id"] = session.UserId,
        ["created_at"] = WireJson.Date(session.AuthenticatedAt),
        ["authenticated_at"] = WireJson.Date(session.AuthenticatedAt),
        ["idle_expires_at"] = WireJson.Date(session.IdleExpiresAt),
        ["expires_at"] = WireJson.Date(session.AbsoluteExpiresAt),
        ["clients"] = WireJson.Array(session.ClientIds.Select(id => new JsonObject { ["client_id"] = id })),
    };

    private async Task<ManagementAnswer> ListAsync(ManagementRequest request)
    {
        var userId = request.Path("id");
        if (await records.Storage.FindAsync<User>(userId, request.Cancellation) is null)
        {
            return ManagementError.Inexistent("user");
        }

        return records.Checkpoint(request, "sessions", userId, await OfAsync(userId, request.Cancellation), session => session.Id, View);
    }

    private async Task<ManagementAnswer> GetAsync(ManagementRequest request) =>
        await FindAsync(request) is { } session ? ManagementAnswer.Ok(View(session)).Tagged(session.Version) : ManagementError.Inexistent("session");

    private Task<ManagementAnswer> DeleteAsync(ManagementRequest request) =>
        records.WriteAsync(request, "Delete a session", async () => await FindAsync(request) is { } session
            ? new PendingWrite(await EndAsync(session, new Batch(), request), ManagementAnswer.Accepted) { Target = session.Id, Replaced = session.Version }
            : new PendingWrite(Batch: null, ManagementAnswer.Accepted));

    private Task<ManagementAnswer> DeleteAllAsync(ManagementRequest request)
    {
        var userId = request.Path("id");
        return records.WriteAsync(request, "Delete the sessions of a user", async () =>
        {
            if (await records.Storage.FindAsync<User>(userId, request.Cancellation) is null)
            {
                return ManagementError.Inexistent("user");
            }

            var batch = new Batch();
            foreach (var session in await OfAsync(userId, request.Cancellation))
            {
                await EndAsync(session, batch, request);
            }

            return new PendingWrite(batch, ManagementAnswer.Accepted) { Target = userId };
        });
    }

    private async ValueTask<Batch> EndAsync(Session session, Batch batch, ManagementRequest request)
    {
        await ending(session, SessionEndCause.Revoked, batch, request.Cancellation);
        return batch.DeleteIndexed("session", session.Id);
    }

    private ValueTask<List<Session>> OfAsync(string userId, CancellationToken cancellationToken) =>
        records.Storage.ListAllAsync<Session>(EntityKey.Index("user", userId), cancellationToken);

    private ValueTask<Session?> FindAsync(ManagementRequest request) => records.Storage.FindAsync<Session>(request.Path("id"), request.Cancellation);
}
