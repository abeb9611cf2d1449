using TokenVault.Server.Storage;

namespace TokenVault.Server.Users;

/// <summary>
/// What another slice adds to the commit that ends a session: its clients are told. Registered with the composition root.
/// </summary>
/// <param name="cause">One of <see cref="SessionEndCause"/>.</param>
internal delegate ValueTask SessionEnd(Session session, string cause, Batch batch, CancellationToken cancellationToken);

/// <summary>Why a session ends, in the words by which clients choose what they are told of.</summary>
internal static class SessionEndCause
{
    /// <summary>Whatever a client has chosen, it is told that the user has signed out.</summary>
    public const string Logout = "rp-logout";

    /// <summary>A logout at a provider: none tells this server of one.</summary>
    public const string ProviderLogout = "idp-logout";

    public const string PasswordChanged = "password-changed";
    public const string Revoked = "session-revoked";
    public const string AccountDeleted = "account-deleted";
    public const string AccountBlocked = "account-deactivated";
}
