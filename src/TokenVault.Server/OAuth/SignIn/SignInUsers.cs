using TokenVault.Server.Connections;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Users;

namespace TokenVault.Server.OAuth.SignIn;

/// <summary>
/// Whose identity it is that a provider named: found by connection, issuer and subject, and by nothing else. The same e-mail address at
/// another connection is another user (T-CF-15).
/// </summary>
internal sealed class SignInUsers(IStorage storage, TimeProvider time)
{
    private static readonly string[] Enterprise = ["oidc", "okta", "waad", "google-apps", "adfs", "ad", "samlp", "pingfederate", "office365"];

    public DateTimeOffset Now => time.GetUtcNow();

    public ValueTask<User?> FindAsync(UserIdentity identity, CancellationToken cancellationToken) =>
        storage.FindByKeyAsync<User>(UserIdentity.KeyName, identity.Key()!, cancellationToken);

    /// <summary>The identity that the provider named, in the form in which users carry it.</summary>
    public static UserIdentity Of(Connection connection, ProviderIdentity named) => new()
    {
        Connection = connection.Name,
        ConnectionId = connection.Id,
        Provider = connection.Strategy,

        // Custom strategies say nothing of whose subject it is, so Auth0 puts the connection's name before it.
        UserId = connection.Strategy is "oauth2" or "oidc" ? $"{connection.Name}|{named.Subject}" : named.Subject,
        Issuer = named.Issuer,
        Subject = named.Subject,
        IsSocial = !Enterprise.Contains(connection.Strategy, StringComparer.Ordinal),
        Profile = named.Profile ?? new UserProfile { Email = named.Email },
    };

    /// <summary>A new user of this identity; null where the connection does not let sign-ins make any.</summary>
    public async ValueTask<User?> NewAsync(Connection connection, UserIdentity identity, CancellationToken cancellationToken)
    {
        if (connection.Options.SetUserRootAttributes == ProfileSync.NeverOnLogin)
        {
            return null;
        }

        return await AloneAsync(identity, cancellationToken);
    }

    /// <summary>A user with no other identity, and nothing but what that says.</summary>
    public async ValueTask<User> AloneAsync(UserIdentity identity, CancellationToken cancellationToken)
    {
        var own = await FreeAsync(identity, cancellationToken);
        var user = new User
        {
            UserId = own.FullId(),
            Connection = own.Connection,
            Identity = own.Key() is null ? null : own,
            Username = own.Profile?.Username,
            PasswordHash = own.PasswordHash,
            CreatedAt = Now,
            UpdatedAt = Now,
        };
        return Written(user, own.Profile ?? new UserProfile());
    }

    /// <summary>The user after this sign-in; the very instance when nothing about them has changed.</summary>
    public User Refreshed(Connection connection, User user, UserIdentity through)
    {
        var updated = user;
        if (user.Identity is { } own && own.Key() == through.Key())
        {
            updated = user with { Identity = own with { Profile = through.Profile } };
            updated = connection.Options.SetUserRootAttributes is null or ProfileSync.OnEachLogin
                ? Written(updated, through.Profile!)
                : updated with { Email = through.Profile!.Email ?? user.Email, EmailVerified = Verified(user, through.Profile) };
        }
        else
        {
            updated = user with
            {
                Linked = [.. user.Linked.Select(linked => linked.Key() == through.Key() ? linked with { Profile = through.Profile } : linked)],
            };
        }

        return Same(user, updated) ? user : updated with { UpdatedAt = time.GetUtcNow() };
    }

    /// <summary>The identity under the id that the user has or will have: where the usual one is taken, the connection's name or id makes it another.</summary>
    private async ValueTask<UserIdentity> FreeAsync(UserIdentity identity, CancellationToken cancellationToken)
    {
        var rest = identity.Subject ?? identity.UserId;
        foreach (var id in (string[])[identity.UserId, $"{identity.Connection}|{rest}"])
        {
            var free = identity with { UserId = id };
            if (await storage.FindAsync<User>(free.FullId(), cancellationToken) is null)
            {
                return free;
            }
        }

        return identity with { UserId = $"{identity.ConnectionId ?? Identifier.Client()}|{rest}" };
    }

    private static User Written(User user, UserProfile profile) => user with
    {
        Email = profile.Email ?? user.Email,
        EmailVerified = Verified(user, profile),
        Name = profile.Name ?? user.Name ?? profile.Email ?? profile.Nickname,
        GivenName = profile.GivenName ?? user.GivenName,
        FamilyName = profile.FamilyName ?? user.FamilyName,
        Nickname = profile.Nickname ?? user.Nickname ?? profile.Email?.Split('@')[0],
        Picture = profile.Picture ?? user.Picture,
    };

    private static bool Verified(User user, UserProfile profile) => profile.Email is null ? user.EmailVerified : profile.EmailVerified;

    private static bool Same(User before, User after) =>
        before with { Linked = after.Linked } == after && before.Linked.SequenceEqual(after.Linked);
}
