using TokenVault.Server.Storage;

namespace TokenVault.Server.Tokensets;

/// <summary>Works off the outbox of revocations until the provider has accepted each, for at most a day (T-UP-15).</summary>
internal sealed class RevocationService(IStorage storage, RevocationAttempt attempt, TimeProvider time, ILogger<RevocationService> logger) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        new OutboxLoop<PendingRevocation>(storage, "revocations", PendingRevocation.Due, revocation => revocation.NextAttemptAt, time, logger)
            .RunAsync((revocation, stopping) => attempt.RunAsync(revocation, logger, stopping), stoppingToken);
}
