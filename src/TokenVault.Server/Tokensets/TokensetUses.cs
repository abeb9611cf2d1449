using System.Threading.Channels;
using TokenVault.Server.Diagnostics;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Tokensets;

/// <summary>
/// Writes down when tokensets are used, once a day each, and behind the exchanges' backs: they wait for their audit rows, which tell the
/// same more exactly. What a crash leaves unwritten, or does not fit into the queue, the next use makes good.
/// </summary>
internal sealed class TokensetUses(IStorage storage, TimeProvider time, ILogger<TokensetUses> logger) : BackgroundService
{
    private const int MostWaiting = 10_000;
    private const int MostAtOnce = 100;

    private readonly NotedDays _noted = new();
    private readonly Channel<Noted> _waiting = Channel.CreateBounded<Noted>(MostWaiting);

    public void Note(Tokenset tokenset)
    {
        var now = time.GetUtcNow();
        if (_noted.Has(tokenset.Id, DayOf(now)))
        {
            return;
        }

        var use = new TokensetUse
        {
            Id = tokenset.Id,
            UserId = tokenset.UserId,
            AccountId = tokenset.AccountId,
            ConnectionId = tokenset.ConnectionId,
            LastUsedAt = now,
        };
        var noted = new Noted(use, tokenset.Version);
        _noted.Add(use.Id, DayOf(now));
        if (!_waiting.Writer.TryWrite(noted))
        {
            Forget(noted);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var group = new List<Noted>();
        while (await _waiting.Reader.WaitToReadAsync(CancellationToken.None))
        {
            group.Clear();
            while (group.Count < MostAtOnce && _waiting.Reader.TryRead(out var noted))
            {
                group.Add(noted);
            }

            await WriteAsync(group);
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        _waiting.Writer.TryComplete();
        await (ExecuteTask ?? Task.CompletedTask);
        await base.StopAsync(cancellationToken);
    }

    private async Task WriteAsync(List<Noted> group)
    {
        try
        {
            if (await CommitAsync(group))
            {
                return;
            }

            // One of them was renewed or disconnected meanwhile.
            foreach (var noted in group)
            {
                if (!await CommitAsync([noted]))
                {
                    Forget(noted);
                }
            }
        }
        catch (Exception e)
        {
            group.ForEach(Forget);
            Log.BackgroundWorkFailed(logger, e, "notes of use");
        }
    }

    /// <summary>A note must not outlive its tokenset, with which it is removed.</summary>
    private async Task<bool> CommitAsync(IReadOnlyList<Noted> group)
    {
        var batch = new Batch();
        foreach (var (use, version) in group)
        {
            batch.Require<Tokenset>(use.Id, version).Put(use);
        }

        return (await storage.CommitAsync(batch)).Committed;
    }

    private void Forget(Noted noted) => _noted.Remove(noted.Use.Id, DayOf(noted.Use.LastUsedAt));

    private static DateOnly DayOf(DateTimeOffset at) => DateOnly.FromDateTime(at.UtcDateTime);

    private sealed record Noted(TokensetUse Use, long Version);
}
