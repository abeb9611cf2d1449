using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Clients;

/// <summary>When a second factor is demanded of everybody who signs in: never, always, or of browsers that are not known.</summary>
internal sealed class MultiFactorPolicy(RecordCache cache)
{
    public const string Always = "all-applications";

    /// <summary>Adaptive: of a browser in which, or a network from which, the user has not proved a second factor before.</summary>
    public const string Adaptive = "confidence-score";

    /// <returns>Null for never.</returns>
    public async ValueTask<string?> CurrentAsync(CancellationToken cancellationToken) =>
        (await cache.FindAsync<TenantSettings>(TenantSettings.OnlyId, cancellationToken))?.MultiFactorPolicy;

    /// <summary>Whether what was granted without a second factor is good for nothing any more.</summary>
    /// <param name="methods">By which the user signed in.</param>
    public async ValueTask<bool> DemandsMoreAsync(IReadOnlyList<string> methods, CancellationToken cancellationToken) =>
        !AuthenticationMethod.IsMultiFactor(methods) && await CurrentAsync(cancellationToken) == Always;
}
