using TokenVault.Server.Storage;
using TokenVault.Server.Users;

namespace TokenVault.Server.Clients;

/// <summary>How long sign-in sessions live: as the tenant is set, or else as the operator's configuration says.</summary>
internal sealed class SessionPolicy(RecordCache cache, TokenVaultOptions options)
{
    /// <summary>See <see cref="SessionTerms"/>.</summary>
    public async ValueTask<SessionLifetimes> CurrentAsync(CancellationToken cancellationToken) =>
        Of(await cache.FindAsync<TenantSettings>(TenantSettings.OnlyId, cancellationToken), options);

    public static SessionLifetimes Of(TenantSettings? settings, TokenVaultOptions options) => new(
        settings is { IdleSessionLifetime: > 0 } idle ? TimeSpan.FromHours(idle.IdleSessionLifetime) : options.Sessions.IdleLifetime,
        settings is { SessionLifetime: > 0 } absolute ? TimeSpan.FromHours(absolute.SessionLifetime) : options.Sessions.AbsoluteLifetime);
}
