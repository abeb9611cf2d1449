using TokenVault.Server.Diagnostics;

namespace TokenVault.Server.Storage;

/// <summary>Removes expired rows in the background, a bounded number at a time.</summary>
internal sealed class ExpiredRowPurge(IStorage storage, TimeProvider time, ILogger<ExpiredRowPurge> logger) : BackgroundService
{
    private const int ChunkSize = 500;

    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                while (await storage.PurgeExpiredAsync(ChunkSize, stoppingToken) == ChunkSize)
                {
                }
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                Log.PurgeFailed(logger, e);
            }
        }
    }
}
