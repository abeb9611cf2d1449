using TokenVault.Server.Http;
using TokenVault.Server.Storage;
using TokenVault.Server.Users;

namespace TokenVault.Server.OAuth.Linking;

/// <summary><c>/api/v2/users/{id}/identities</c>: one person, several ways to sign in.</summary>
internal sealed class IdentityEndpoints(ManagementRecords records, IdentityLinking linking, IdTokens idTokens)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapManagement("POST", "/users/{id}/identities", "update:users", LinkAsync).Describe(IdentityDocs.Link);
        routes.MapManagement("DELETE", "/users/{id}/identities/{provider}/{user_id}", "update:users", UnlinkAsync).Describe(IdentityDocs.Unlink);
    }

    private static ManagementError Missing => ManagementError.Inexistent("user");

    private async Task<ManagementAnswer> LinkAsync(ManagementRequest request)
    {
        var json = await request.ReadJsonAsync();
        return await records.WriteAsync(request, "Link a user", async () =>
        {
            if (await FindAsync(request, request.Path("id")) is not { } user)
            {
                return Missing;
            }

            var (otherId, connectionId, proof, error) = Read(BodyReader.OfObject(json), request);
            if (error is not null)
            {
                return error;
            }

            if (await FindAsync(request, otherId) is not { } other)
            {
                return Missing;
            }

            if (proof?.Precedes(other) == true)
            {
                return ManagementError.InvalidBody("The ID token is from before the identity was unlinked", "link_with");
            }

            if (connectionId is not null && other.Identity is { } own && own.ConnectionId != connectionId)
            {
                return ManagementError.InvalidBody("The user is not one of this connection's", "connection_id");
            }

            var batch = new Batch();
            var identity = Whole(other);
            return await linking.AddAsync(batch, user, identity, other) switch
            {
                { Busy: true } busy => ManagementError.Conflict(busy.Message),
                { } refused => ManagementError.InvalidBody(refused.Message, "user_id"),
                _ => new PendingWrite(batch, ManagementAnswer.Created(UserView.Identities(user with { Linked = [.. user.Linked, identity] })))
                {
                    Target = user.UserId,
                    Duplicate = "The identity is linked already.",
                },
            };
        });
    }

    private async Task<ManagementAnswer> UnlinkAsync(ManagementRequest request)
    {
        var connection = request.Query.Text("connection");
        if (request.Query.Refused(out var malformed))
        {
            return malformed;
        }

        return await records.WriteAsync(request, "Unlink a user identity", async () =>
        {
            if (await FindAsync(request, request.Path("id")) is not { } user)
            {
                return Missing;
            }

            var (identity, error) = Named(user, $"{request.Path("provider")}|{request.Path("user_id")}", connection);
            if (identity is null)
            {
                return error!;
            }

            var batch = new Batch();
            var remaining = await linking.RemoveAsync(batch, user, identity, keep: null, request.Cancellation);
            return new PendingWrite(batch, ManagementAnswer.Ok(UserView.Identities(remaining))) { Target = user.UserId };
        });
    }

    /// <summary>
    /// Auth0's path names strategy and subject only. Through two connections of one strategy they can be the same for two identities: then
    /// the caller says which connection's is meant, rather than have the wrong one taken away.
    /// </summary>
    private static (UserIdentity? Identity, ManagementError? Error) Named(User user, string id, string? connection)
    {
        var meant = user.Linked.Append(user.Main())
            .Where(identity => identity.FullId() == id && (connection is null || identity.Connection == connection || identity.ConnectionId == connection))
            .ToList();
        return meant switch
        {
            [] => (null, ManagementError.Inexistent("identity")),
            [var one] when user.Linked.Contains(one) => (one, null),
            [_] => (null, new ManagementError(400, "The main identity of a user cannot be unlinked", "operation_not_supported")),
            _ => (null, ManagementError.Conflict("Several identities have this provider and user_id: name the connection of the one that is meant in the query parameter connection.")),
        };
    }

    /// <summary>By provider and id, or by an ID token that the other user got from this caller (Auth0: its <c>aud</c> is the caller).</summary>
    private (string OtherId, string? ConnectionId, IdTokenProof? Proof, ManagementError? Error) Read(BodyReader body, ManagementRequest request)
    {
        var (token, provider, userId, connectionId) = Read(body);
        if (token is null == (provider is null || userId is null))
        {
            body.Refuse("Either provider and user_id, or link_with is required", "");
        }

        var proof = token is null ? null : idTokens.ReadProof(token, request.Caller.ClientId);
        if (token is not null && proof is null)
        {
            body.Refuse("Not a valid ID token that was issued to the caller", "link_with");
        }

        return body.Refused(out var error)
            ? ("", null, null, error)
            : (proof?.Subject ?? FullId(provider!, userId!), connectionId, proof, null);
    }

    public static (string? Token, string? Provider, string? UserId, string? ConnectionId) Read(BodyReader body) => (
        body.Text("link_with", current: null, 8192),
        body.Text("provider", current: null, 64),
        NumberOf(body) ?? body.Text("user_id", current: null, 600),
        body.Text("connection_id", current: null, 64));

    /// <summary>Tools have the id with its provider at hand as often as without it.</summary>
    private static string FullId(string provider, string userId) =>
        userId.StartsWith(provider + "|", StringComparison.Ordinal) ? userId : $"{provider}|{userId}";

    private static string? NumberOf(BodyReader body) =>
        body.Raw("user_id") is { ValueKind: System.Text.Json.JsonValueKind.Number } number ? number.GetRawText() : null;

    /// <summary>With all that the user's profile says, so that it can be a user of its own again.</summary>
    private static UserIdentity Whole(User other) => other.Main() with
    {
        Profile = new UserProfile
        {
            Email = other.Email,
            EmailVerified = other.EmailVerified,
            Username = other.Username,
            Name = other.Name,
            GivenName = other.GivenName,
            FamilyName = other.FamilyName,
            Nickname = other.Nickname,
            Picture = other.Picture,
        },
    };

    private ValueTask<User?> FindAsync(ManagementRequest request, string id) => records.Storage.FindAsync<User>(id, request.Cancellation);
}
