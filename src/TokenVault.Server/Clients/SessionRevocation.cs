using TokenVault.Server.Http;
using TokenVault.Server.Storage;
using TokenVault.Server.Users;

namespace TokenVault.Server.Clients;

/// <summary><c>POST /api/v2/sessions/{id}/revoke</c>: ends a session, and what it gave away to last beyond it.</summary>
internal sealed class SessionRevocation(ManagementRecords records, SessionEnd ending)
{
    public void Map(IEndpointRouteBuilder routes) =>
        routes.MapManagement("POST", "/sessions/{id}/revoke", "delete:sessions", RevokeAsync).Describe(TokenDocs.RevokeSession);

    private Task<ManagementAnswer> RevokeAsync(ManagementRequest request) =>
        records.WriteAsync(request, "Revoke a session", async () =>
        {
            if (await records.Storage.FindAsync<Session>(request.Path("id"), request.Cancellation) is not { } session)
            {
                return ManagementError.Inexistent("session");
            }

            var batch = new Batch();
            await ending(session, SessionEndCause.Revoked, batch, request.Cancellation);
            var tokens = await records.Storage.ListAllAsync<RefreshToken>(EntityKey.Index("user", session.UserId), request.Cancellation);
            tokens.FindAll(token => token.SessionId == session.Id).ForEach(token => batch.Delete(token));
            return new PendingWrite(batch.DeleteIndexed("session", session.Id), ManagementAnswer.Accepted) { Target = session.Id, Replaced = session.Version };
        });
}
