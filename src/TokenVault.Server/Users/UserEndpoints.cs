using TokenVault.Server.Http;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Users;

/// <summary><c>/api/v2/users</c>: the people who sign in here.</summary>
internal sealed class UserEndpoints(
    ManagementRecords records, PasswordHashes hashes, TimeProvider time, IEnumerable<UserRemoval> removals, SessionEnd ending)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapManagement("GET", "/users", "read:users", ListAsync).Describe(UserDocs.User.List);
        routes.MapManagement("POST", "/users", "create:users", CreateAsync).Describe(UserDocs.User.Create);
        routes.MapManagement("GET", "/users/{id}", "read:users", GetAsync).Describe(UserDocs.User.Get);
        routes.MapManagement("PATCH", "/users/{id}", "update:users", UpdateAsync).Describe(UserDocs.User.Update);
        routes.MapManagement("DELETE", "/users/{id}", "delete:users", DeleteAsync).Describe(UserDocs.User.Delete);
        routes.MapManagement("GET", "/users-by-email", "read:users", ByEmailAsync).Describe(UserDocs.ByEmail);
    }

    private static ManagementError Missing => ManagementError.Inexistent("user");

    private async Task<ManagementAnswer> ListAsync(ManagementRequest request)
    {
        var search = UserSearch.Read(request.Query);
        if (search is null)
        {
            return await records.ListAsync(request, new ManagementList<User>("users", UserView.Of));
        }

        if (request.Query.Refused(out var error))
        {
            return error;
        }

        var list = new ManagementList<User>("users", UserView.Of) { FilterText = search.Text };
        return records.Answer(request, list, [.. search.Sorted(await FindAllAsync(search, request))]);
    }

    private async Task<List<User>> FindAllAsync(UserSearch search, ManagementRequest request)
    {
        if (search.Key is not { } key)
        {
            return await records.Storage.ListWhereAsync<User>(index: null, user => search.Matches!(UserView.Of(user)), request.Cancellation);
        }

        List<User?> found = key.Field switch
        {
            "email" => [.. await FindByEmailAsync(key.Value, request)],
            "username" => [await FindByLoginAsync("username", key.Value, request)],
            _ => [await records.Storage.FindAsync<User>(key.Value, request.Cancellation)],
        };
        return [.. found.OfType<User>()];
    }

    private async Task<ManagementAnswer> ByEmailAsync(ManagementRequest request)
    {
        var email = request.Query.Text("email");
        if (email is null)
        {
            request.Query.Refuse("Missing required property: email", "email");
        }

        var fields = FieldFilter.Read(request.Query);
        if (request.Query.Refused(out var error))
        {
            return error;
        }

        var users = await FindByEmailAsync(email!, request);
        return ManagementAnswer.Ok(WireJson.Array(users.Select(user => fields.Apply(UserView.Of(user)))));
    }

    private async Task<ManagementAnswer> GetAsync(ManagementRequest request)
    {
        var fields = FieldFilter.Read(request.Query);
        if (request.Query.Refused(out var error))
        {
            return error;
        }

        return await FindAsync(request) is { } user ? ManagementAnswer.Ok(fields.Apply(UserView.Of(user))).Tagged(user.Version) : Missing;
    }

    private async Task<ManagementAnswer> CreateAsync(ManagementRequest request)
    {
        var body = await request.BodyAsync();
        var now = time.GetUtcNow();
        var user = UserBody.Read(body, new User { UserId = UserBody.ReadId(body), Connection = "", CreatedAt = now, UpdatedAt = now }, hashes.Of);
        if (body.Refused(out var error))
        {
            return error;
        }

        user = user with { Name = user.Name ?? user.Email, Nickname = user.Nickname ?? user.Email!.Split('@')[0] };
        return await records.WriteAsync(request, "Create a user", () => Task.FromResult(
            new PendingWrite(new Batch().Insert(user), ManagementAnswer.Created(UserView.Of(user)))
            {
                Target = user.UserId,
                Duplicate = "The user already exists.",
            }));
    }

    private async Task<ManagementAnswer> UpdateAsync(ManagementRequest request)
    {
        var json = await request.ReadJsonAsync();
        return await records.WriteAsync(request, "Update a user", async () =>
        {
            if (await FindAsync(request) is not { } current)
            {
                return Missing;
            }

            var body = BodyReader.OfObject(json);
            var user = UserBody.Read(body, current, hashes.Of) with { UpdatedAt = time.GetUtcNow() };
            if (body.Refused(out var error))
            {
                return error;
            }

            var batch = new Batch().Replace(user);
            if (EndsSessions(current, user) is { } cause)
            {
                await EndSessionsAsync(batch, user, cause, request.Cancellation);
            }

            return new PendingWrite(batch, ManagementAnswer.Ok(UserView.Of(user)))
            {
                Target = user.UserId,
                Replaced = current.Version,
                Duplicate = "The specified new email or username already exists.",
            };
        });
    }

    /// <summary>A password is changed because it may be known: whoever signed in by the old one has to do it again.</summary>
    private static string? EndsSessions(User before, User after) =>
        after.Blocked && !before.Blocked ? SessionEndCause.AccountBlocked
        : after.PasswordHash != before.PasswordHash ? SessionEndCause.PasswordChanged
        : null;

    private async Task EndSessionsAsync(Batch batch, User user, string cause, CancellationToken cancellationToken)
    {
        foreach (var session in await records.Storage.ListAllAsync<Session>(EntityKey.Index("user", user.UserId), cancellationToken))
        {
            await ending(session, cause, batch, cancellationToken);
            batch.DeleteIndexed("session", session.Id);
        }
    }

    private Task<ManagementAnswer> DeleteAsync(ManagementRequest request) =>
        records.WriteAsync(request, "Delete a user", async () =>
        {
            if (await FindAsync(request) is not { } user)
            {
                return new PendingWrite(Batch: null, ManagementAnswer.NoContent);
            }

            // Sessions, tokens, connected accounts and tokensets carry the index: they go in the same commit.
            var batch = new Batch().Delete(user).DeleteIndexed("user", user.UserId);
            foreach (var removal in removals)
            {
                await removal(user, batch, request.Cancellation);
            }

            return new PendingWrite(batch, ManagementAnswer.NoContent) { Target = user.UserId, Replaced = user.Version };
        });

    private ValueTask<User?> FindAsync(ManagementRequest request) => records.Storage.FindAsync<User>(request.Path("id"), request.Cancellation);

    /// <summary>Of local users there is one at most; every connection may have one more.</summary>
    private async Task<List<User>> FindByEmailAsync(string email, ManagementRequest request)
    {
        var all = await records.Storage.ListAllAsync<User>(User.EmailIndex(email), request.Cancellation);

        // A row of an earlier version has the login key only.
        var local = await FindByLoginAsync("email", email, request);
        return [.. (local is null ? all : all.Append(local)).DistinctBy(user => user.UserId).OrderBy(user => user.UserId, StringComparer.Ordinal)];
    }

    private ValueTask<User?> FindByLoginAsync(string key, string login, ManagementRequest request) =>
        records.Storage.FindByKeyAsync<User>(key, User.LoginKey(Wire.DatabaseConnection, login), request.Cancellation);
}
