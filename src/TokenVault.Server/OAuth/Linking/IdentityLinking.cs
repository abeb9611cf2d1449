using TokenVault.Server.Clients;
using TokenVault.Server.OAuth.SignIn;
using TokenVault.Server.Storage;
using TokenVault.Server.Users;

namespace TokenVault.Server.OAuth.Linking;

/// <summary>
/// Makes an identity one of a user's, and takes it away again. Only on somebody's word who may say so: the person who proved both, or the
/// operator; never because two identities show the same e-mail address (T-CF-15).
/// </summary>
internal sealed class IdentityLinking(IStorage storage, SignInUsers users, IEnumerable<UserMove> moves)
{
    private const int MostIdentities = 20;

    /// <summary>Adds what links the identity to the commit.</summary>
    /// <param name="other">The user that the identity is, until now; null when it is nobody's.</param>
    /// <returns>Why it cannot be done, or null.</returns>
    public async ValueTask<LinkRefusal?> AddAsync(Batch batch, User user, UserIdentity identity, User? other)
    {
        if (user.Linked.Count >= MostIdentities)
        {
            return new LinkRefusal("The user has too many identities.");
        }

        if (other is not null)
        {
            if (Refusal(user, other) is { } refused)
            {
                return refused;
            }

            foreach (var move in moves)
            {
                if (!await move(other, user, batch, CancellationToken.None))
                {
                    return new LinkRefusal("The provider's tokens of the user are being refreshed. Try again.") { Busy = true };
                }
            }

            // What was moved carries the other index already; what is left, sessions and tokens of ours, was for a user who is no more.
            batch.DeleteIndexed("user", other.UserId).Delete(other);
        }

        batch.Replace(user with { Linked = [.. user.Linked, identity], UpdatedAt = users.Now });
        return null;
    }

    /// <summary>
    /// Adds what takes the identity away to the commit: it is a user of its own again, without the other's metadata. Who signed in with
    /// it is signed out, and a proof that is under way comes too late (T-CF-08).
    /// </summary>
    /// <param name="keep">The session in which it is asked for, which goes on.</param>
    public async ValueTask<User> RemoveAsync(Batch batch, User user, UserIdentity identity, Session? keep, CancellationToken cancellationToken)
    {
        var remaining = user with { Linked = [.. user.Linked.Where(linked => linked != identity)], UpdatedAt = users.Now };
        var alone = await users.AloneAsync(identity, cancellationToken);
        batch.Replace(remaining).Insert(alone with { UnlinkedAt = users.Now }).DeleteIndexed(SignInRequest.LinkIndexName, user.UserId);
        var index = EntityKey.Index("user", user.UserId);
        var ended = new HashSet<string>(StringComparer.Ordinal);
        foreach (var session in await storage.ListAllAsync<Session>(index, cancellationToken))
        {
            if (session.Identity == identity.FullId() && session.Id != keep?.Id && ended.Add(session.Id))
            {
                batch.DeleteIndexed("session", session.Id);
            }
        }

        foreach (var token in await storage.ListAllAsync<RefreshToken>(index, cancellationToken))
        {
            if (token.SessionId is { } session && ended.Contains(session))
            {
                batch.Delete(token);
            }
        }

        return remaining;
    }

    private static LinkRefusal? Refusal(User user, User other)
    {
        if (user.UserId == other.UserId)
        {
            return new LinkRefusal("Main and linked users must not be the same.");
        }

        if (other.Linked.Count > 0)
        {
            return new LinkRefusal("The user to be linked has linked identities of its own. Unlink those first.");
        }

        return user.Blocked || other.Blocked ? new LinkRefusal("A blocked user cannot be linked.") : null;
    }
}

/// <param name="Message">What the caller is told.</param>
internal sealed record LinkRefusal(string Message)
{
    /// <summary>It may be possible in a moment.</summary>
    public bool Busy { get; init; }
}
