using System.Globalization;
using System.Text.Json.Nodes;
using TokenVault.Server.Http;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Tokensets;
using TokenVault.Server.Users;

namespace TokenVault.Server.Accounts;

/// <summary>
/// The Management API's view of what users have connected: accounts, and tokensets with their dates. Never a token (T-MG-01).
/// </summary>
internal sealed class UserAccountEndpoints(ManagementRecords records, AccountRemoval removal, ILogger<UserAccountEndpoints> logger)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        const string tokensets = "/users/{id}/federated-connections-tokensets";
        routes.MapManagement("GET", tokensets, "read:federated_connections_tokensets", ListTokensetsAsync).Describe(UserAccountDocs.Tokensets);
        routes.MapManagement("DELETE", tokensets + "/{tokenset}", "update:federated_connections_tokensets", DeleteTokensetAsync).Describe(UserAccountDocs.DeleteTokenset);
        routes.MapManagement("GET", "/users/{id}/connected-accounts", "read:users", ListAccountsAsync).Describe(UserAccountDocs.Accounts);
        routes.MapManagement("GET", "/users/{id}/token-revocations", "read:federated_connections_tokensets", ListRevocationsAsync).Describe(UserAccountDocs.Revocations);
    }

    private async Task<ManagementAnswer> ListTokensetsAsync(ManagementRequest request)
    {
        var userId = request.Path("id");
        if (await records.Storage.FindAsync<User>(userId, request.Cancellation) is null)
        {
            return ManagementError.Inexistent("user");
        }

        var list = new JsonArray();
        foreach (var tokenset in await records.Storage.ListReadableAsync<Tokenset>(EntityKey.Index("user", userId), logger, request.Cancellation))
        {
            var use = await records.Storage.FindAsync<TokensetUse>(tokenset.Id, request.Cancellation);
            list.Add(new JsonObject
            {
                ["id"] = tokenset.Id,
                ["connection"] = tokenset.Connection,
                ["scope"] = Scope.Format(tokenset.Scopes),
                ["issued_at"] = Date(tokenset.IssuedAt),
                ["expires_at"] = tokenset.AccessTokenExpiresAt is { } end ? Date(end) : null,
                ["last_used_at"] = use is null ? null : Date(use.LastUsedAt),
            });
        }

        return ManagementAnswer.Ok(list);
    }

    private Task<ManagementAnswer> DeleteTokensetAsync(ManagementRequest request)
    {
        var id = request.Path("tokenset");
        return records.WriteAsync(request, "Delete a tokenset", async () =>
        {
            // By the account, so that a tokenset that does not read any more can be removed, too.
            var accounts = await AccountsAsync(request.Path("id"), request.Cancellation);
            return accounts.Find(account => account.TokensetId == id) is { } account
                ? new PendingWrite(await removal.OfAsync(account, request.Cancellation), ManagementAnswer.NoContent) { Target = id }
                : ManagementError.Inexistent("tokenset");
        });
    }

    private async Task<ManagementAnswer> ListAccountsAsync(ManagementRequest request)
    {
        var userId = request.Path("id");
        if (await records.Storage.FindAsync<User>(userId, request.Cancellation) is null)
        {
            return ManagementError.Inexistent("user");
        }

        var all = await AccountsAsync(userId, request.Cancellation);
        return records.Checkpoint(request, "connected_accounts", userId, all, account => account.Id, View);
    }

    private ValueTask<List<ConnectedAccount>> AccountsAsync(string userId, CancellationToken cancellationToken) =>
        records.Storage.ListReadableAsync<ConnectedAccount>(EntityKey.Index("user", userId), logger, cancellationToken);

    /// <summary>What became of the tokens that were given up; also of a user who is gone.</summary>
    private async Task<ManagementAnswer> ListRevocationsAsync(ManagementRequest request)
    {
        var userId = request.Path("id");
        var all = await records.Storage.ListAllAsync<PendingRevocation>(PendingRevocation.OfUser(userId), request.Cancellation);
        return records.Checkpoint(request, "token_revocations", userId, all, revocation => revocation.Id, View);
    }

    private static JsonObject View(PendingRevocation revocation) => new()
    {
        ["id"] = revocation.Id,
        ["connection"] = revocation.Connection.Name,
        ["connected_account_id"] = revocation.AccountId,
        ["tokenset_id"] = revocation.TokensetId,
        ["token_type"] = revocation.Hint,
        ["state"] = RevocationStates.Name(revocation.State),
        ["attempts"] = revocation.Attempts,
        ["problem"] = revocation.Problem,
        ["created_at"] = Date(revocation.CreatedAt),
        ["ended_at"] = revocation.EndedAt is { } end ? Date(end) : null,
    };

    private static JsonObject View(ConnectedAccount account) => new()
    {
        ["id"] = account.Id,
        ["connection"] = account.Connection,
        ["connection_id"] = account.ConnectionId,
        ["strategy"] = account.Strategy,
        ["access_type"] = "offline",
        ["scopes"] = new JsonArray([.. account.Scopes.Select(scope => JsonValue.Create(scope))]),
        ["created_at"] = Date(account.CreatedAt),
    };

    private static string Date(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);
}
