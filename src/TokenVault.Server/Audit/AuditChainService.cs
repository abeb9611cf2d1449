using TokenVault.Server.Diagnostics;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Audit;

/// <summary>Lengthens the chain while serving, and shortens it where the operator has set how long entries are kept.</summary>
internal sealed class AuditChainService(
    AuditChain chain, AuditLog audit, StreamPositions positions, TokenVaultOptions options, TimeProvider time, ILogger<AuditChainService> logger)
    : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan BrokenPause = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan BetweenRetirements = TimeSpan.FromHours(1);

    private DateTimeOffset _retireAt;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var pause = Pause;
            try
            {
                await chain.ExtendAsync(stoppingToken);
                await RetireAsync(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is AuditChainBrokenException or CorruptRecordException)
            {
                Log.AuditChainBroken(logger, e);
                pause = BrokenPause;
            }
            catch (Exception e)
            {
                Log.BackgroundWorkFailed(logger, e, "the chain of the audit log");
            }

            // By the machine's clock: rows are to be chained soon whatever time it is.
            await Task.Delay(pause, TimeProvider.System, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>What was written until the end of service is in the chain when the server is down.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        try
        {
            await chain.ExtendAsync(cancellationToken);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            Log.BackgroundWorkFailed(logger, e, "the chain of the audit log");
        }
    }

    private async Task RetireAsync(CancellationToken cancellationToken)
    {
        if (options.Audit.RetentionDays == 0 || time.GetUtcNow() < _retireAt)
        {
            return;
        }

        _retireAt = time.GetUtcNow() + BetweenRetirements;
        await chain.RetireAsync(new RetentionTerms(options.Audit.RetentionDays, await positions(cancellationToken)), audit, cancellationToken);
    }
}
