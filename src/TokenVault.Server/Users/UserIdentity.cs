using TokenVault.Server.Storage;

namespace TokenVault.Server.Users;

/// <summary>
/// One way in which a user can sign in: an account at a provider, found again by connection, issuer and subject and by nothing else
/// (T-CF-15), or a local account that was linked. No token of the provider is ever in it.
/// </summary>
internal sealed record UserIdentity
{
    /// <summary>The unique key of users by their accounts at providers.</summary>
    public const string KeyName = "identity";

    /// <summary>The connection's name.</summary>
    public required string Connection { get; init; }

    /// <summary>Null for a local account.</summary>
    public string? ConnectionId { get; init; }

    /// <summary>The connection's strategy: the part of the user's id before the first bar.</summary>
    public required string Provider { get; init; }

    /// <summary>The part after it.</summary>
    public required string UserId { get; init; }

    public string? Issuer { get; init; }

    /// <summary>The person's id at the provider.</summary>
    public string? Subject { get; init; }

    public bool IsSocial { get; init; }

    public UserProfile? Profile { get; init; }

    /// <summary>Of a local account that was linked.</summary>
    public string? PasswordHash { get; init; }

    /// <summary>The id of the user whose only identity this is, was, or would be.</summary>
    public string FullId() => $"{Provider}|{UserId}";

    /// <summary>The value of <see cref="KeyName"/>; null for a local account.</summary>
    public string? Key() => ConnectionId is not null && Issuer is not null && Subject is not null ? KeyOf(ConnectionId, Issuer, Subject) : null;

    public static string KeyOf(string connectionId, string issuer, string subject) => $"{connectionId}\n{issuer}\n{subject}";

    /// <summary>What a user is found by through this identity.</summary>
    public IEnumerable<EntityKey> Keys()
    {
        if (Key() is { } key)
        {
            yield return EntityKey.UniqueKey(KeyName, key);
            yield break;
        }

        if (Profile?.Email is { } email)
        {
            yield return EntityKey.UniqueKey("email", User.LoginKey(Connection, email));
        }

        if (Profile?.Username is { } username)
        {
            yield return EntityKey.UniqueKey("username", User.LoginKey(Connection, username));
        }
    }
}
