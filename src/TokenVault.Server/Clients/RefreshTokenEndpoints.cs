using TokenVault.Server.Http;
using TokenVault.Server.Storage;
using TokenVault.Server.Users;

namespace TokenVault.Server.Clients;

/// <summary><c>/api/v2/refresh-tokens</c> and a user's own: seen, annotated and withdrawn by administrators.</summary>
internal sealed class RefreshTokenEndpoints(ManagementRecords records)
{
    private const int MostIds = 100;

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapManagement("GET", "/refresh-tokens", "read:refresh_tokens", ListAsync).Describe(TokenDocs.RefreshToken.List);
        routes.MapManagement("GET", "/refresh-tokens/{id}", "read:refresh_tokens", GetAsync).Describe(TokenDocs.RefreshToken.Get);
        routes.MapManagement("PATCH", "/refresh-tokens/{id}", "update:refresh_tokens", UpdateAsync).Describe(TokenDocs.RefreshToken.Update);
        routes.MapManagement("DELETE", "/refresh-tokens/{id}", "delete:refresh_tokens", DeleteAsync).Describe(TokenDocs.Delete);
        routes.MapManagement("POST", "/refresh-tokens/revoke", "delete:refresh_tokens", RevokeAsync).Describe(TokenDocs.Revoke);
        routes.MapManagement("GET", "/users/{id}/refresh-tokens", "read:refresh_tokens", ListOfUserAsync).Describe(TokenDocs.OfUser);
        routes.MapManagement("DELETE", "/users/{id}/refresh-tokens", "delete:refresh_tokens", DeleteOfUserAsync).Describe(TokenDocs.DeleteOfUser);
    }

    private static ManagementError Missing => ManagementError.Inexistent("refresh_token");

    private async Task<ManagementAnswer> ListAsync(ManagementRequest request)
    {
        var userId = request.Query.Text("user_id");
        var clientId = request.Query.Text("client_id");
        if (userId is null)
        {
            request.Query.Refuse("Missing required property: user_id", "user_id");
            request.Query.Refused(out var error);
            return error!;
        }

        var all = await OfAsync(userId, request.Cancellation);
        var found = all.Where(token => clientId is null || string.Equals(token.ClientId, clientId, StringComparison.Ordinal));
        return records.Checkpoint(request, "refresh_tokens", $"{userId} {clientId}", found, token => token.Id, RefreshTokenView.Of);
    }

    private async Task<ManagementAnswer> ListOfUserAsync(ManagementRequest request)
    {
        var userId = request.Path("id");
        if (await records.Storage.FindAsync<User>(userId, request.Cancellation) is null)
        {
            return ManagementError.Inexistent("user");
        }

        var all = await OfAsync(userId, request.Cancellation);
        return records.Checkpoint(request, "tokens", userId, all, token => token.Id, RefreshTokenView.Of);
    }

    private async Task<ManagementAnswer> GetAsync(ManagementRequest request)
    {
        var fields = FieldFilter.Read(request.Query);
        if (request.Query.Refused(out var error))
        {
            return error;
        }

        return await FindAsync(request) is { } token ? ManagementAnswer.Ok(fields.Apply(RefreshTokenView.Of(token))).Tagged(token.Version) : Missing;
    }

    private async Task<ManagementAnswer> UpdateAsync(ManagementRequest request)
    {
        var json = await request.ReadJsonAsync();
        return await records.WriteAsync(request, "Update a refresh token", async () =>
        {
            if (await FindAsync(request) is not { } current)
            {
                return Missing;
            }

            var body = BodyReader.OfObject(json);
            var token = RefreshTokenBody.Read(body, current);
            if (body.Refused(out var error))
            {
                return error;
            }

            return new PendingWrite(new Batch().Replace(token), ManagementAnswer.Ok(RefreshTokenView.Of(token)))
            {
                Target = token.Id,
                Replaced = current.Version,
            };
        });
    }

    private Task<ManagementAnswer> DeleteAsync(ManagementRequest request) =>
        records.WriteAsync(request, "Delete a refresh token", async () => await FindAsync(request) is { } token
            ? new PendingWrite(new Batch().Delete(token), ManagementAnswer.Accepted) { Target = token.Id, Replaced = token.Version }
            : new PendingWrite(Batch: null, ManagementAnswer.Accepted));

    private Task<ManagementAnswer> DeleteOfUserAsync(ManagementRequest request)
    {
        var userId = request.Path("id");
        return records.WriteAsync(request, "Delete the refresh tokens of a user", async () =>
            await records.Storage.FindAsync<User>(userId, request.Cancellation) is null
                ? ManagementError.Inexistent("user")
                : Withdrawal(await OfAsync(userId, request.Cancellation), userId));
    }

    private async Task<ManagementAnswer> RevokeAsync(ManagementRequest request)
    {
        var body = await request.BodyAsync();
        var wanted = RefreshTokenBody.ReadRevocation(body, MostIds);
        if (body.Refused(out var error))
        {
            return error;
        }

        return await records.WriteAsync(request, "Revoke refresh tokens", async () =>
            Withdrawal(await FindAsync(wanted, request.Cancellation), wanted.UserId ?? wanted.ClientId));
    }

    /// <summary>A token that rotates meanwhile moves its version, and everything is looked at again: none slips through.</summary>
    private static PendingWrite Withdrawal(List<RefreshToken> tokens, string? target)
    {
        var batch = new Batch();
        tokens.ForEach(token => batch.Delete(token));
        return new PendingWrite(batch, ManagementAnswer.Accepted) { Target = target };
    }

    private async Task<List<RefreshToken>> FindAsync(RefreshTokenRevocation wanted, CancellationToken cancellationToken)
    {
        if (wanted.UserId is null && wanted.ClientId is not null)
        {
            return await records.Storage.ListAllAsync<RefreshToken>(EntityKey.Index("client", wanted.ClientId), cancellationToken);
        }

        if (wanted.UserId is not null)
        {
            return (await OfAsync(wanted.UserId, cancellationToken)).FindAll(wanted.Names);
        }

        var found = new List<RefreshToken>();
        foreach (var id in wanted.Ids)
        {
            if (await records.Storage.FindAsync<RefreshToken>(id, cancellationToken) is { } token)
            {
                found.Add(token);
            }
        }

        return found;
    }

    private ValueTask<List<RefreshToken>> OfAsync(string userId, CancellationToken cancellationToken) =>
        records.Storage.ListAllAsync<RefreshToken>(EntityKey.Index("user", userId), cancellationToken);

    private ValueTask<RefreshToken?> FindAsync(ManagementRequest request) =>
        records.Storage.FindAsync<RefreshToken>(request.Path("id"), request.Cancellation);
}
