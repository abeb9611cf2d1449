using TokenVault.Server.Http;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Users;

/// <summary><c>/api/v2/users</c>: the people who sign in here.</summary>
internal sealed class UserEndpoints(ManagementRecords records, TimeProvider time, IEnumerable<UserRemoval> removals)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapManagement("GET", "/users", "read:users", ListAsync);
        routes.MapManagement("POST", "/users", "create:users", CreateAsync);
        routes.MapManagement("GET", "/users/{id}", "read:users", GetAsync);
        routes.MapManagement("PATCH", "/users/{id}", "update:users", UpdateAsync);
        routes.MapManagement("DELETE", "/users/{id}", "delete:users", DeleteAsync);
        routes.MapManagement("GET", "/users-by-email", "read:users", ByEmailAsync);
    }

    private static ManagementError Missing => ManagementError.Inexistent("user");

    private async Task<ManagementAnswer> ListAsync(ManagementRequest request)
    {
        var search = UserSearch.Read(request.Query);
        if (search is null)
        {
            return await records.ListAsync(request, new ManagementList<User>("users", UserView.Of));
        }

        List<User?> found = search.Field switch
        {
            "email" => [.. await FindByEmailAsync(search.Value, request)],
            "username" => [await FindByLoginAsync("username", search.Value, request)],
            _ => [await records.Storage.FindAsync<User>(search.Value, request.Cancellation)],
        };
        var list = new ManagementList<User>("users", UserView.Of) { FilterText = $"{search.Field}:{search.Value}" };
        return records.Answer(request, list, [.. found.OfType<User>()]);
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

        return await FindAsync(request) is { } user ? ManagementAnswer.Ok(fields.Apply(UserView.Of(user))) : Missing;
    }

    private async Task<ManagementAnswer> CreateAsync(ManagementRequest request)
    {
        var body = await request.BodyAsync();
        var now = time.GetUtcNow();
        var user = UserBody.Read(body, new User { UserId = UserBody.ReadId(body), Connection = "", CreatedAt = now, UpdatedAt = now });
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
            var user = UserBody.Read(body, current) with { UpdatedAt = time.GetUtcNow() };
            if (body.Refused(out var error))
            {
                return error;
            }

            var batch = new Batch().Replace(user);
            if (user.PasswordHash != current.PasswordHash)
            {
                await EndSessionsAsync(batch, user, request.Cancellation);
            }

            return new PendingWrite(batch, ManagementAnswer.Ok(UserView.Of(user)))
            {
                Target = user.UserId,
                Duplicate = "The specified new email or username already exists.",
            };
        });
    }

    /// <summary>A password is changed because it may be known: whoever signed in by the old one has to do it again.</summary>
    private async Task EndSessionsAsync(Batch batch, User user, CancellationToken cancellationToken)
    {
        var sessions = await records.Storage.ListAllAsync<Session>(EntityKey.Index("user", user.UserId), cancellationToken);
        sessions.ForEach(session => batch.DeleteIndexed("session", session.Id));
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

            return new PendingWrite(batch, ManagementAnswer.NoContent) { Target = user.UserId };
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
