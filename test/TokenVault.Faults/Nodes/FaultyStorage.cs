using System.Globalization;
using TokenVault.Server.Storage;
using TokenVault.Server.Tokensets;
using TokenVault.Testing;

namespace TokenVault.Faults.Nodes;

/// <summary>
/// A node's way to its store. It kills its own process at a chosen commit, or waits there to be stopped, tells when receipts are durable, and shortens
/// leases, which go by the database's clock, by as much as the node's clock is fast.
/// </summary>
internal sealed class FaultyStorage(IStorage inner, FastClock clock, Action<string> tell) : StorageDecorator(inner)
{
    private readonly Lock _gate = new();
    private readonly ManualResetEventSlim _go = new();
    private (FaultPoint Point, FaultAct Act)? _armed;

    public void Arm(FaultPoint point, FaultAct act)
    {
        lock (_gate)
        {
            _armed = (point, act);
            _go.Reset();
        }
    }

    /// <summary>Whatever stands at a point goes on, and nothing is armed any more.</summary>
    public void Go()
    {
        lock (_gate)
        {
            _armed = null;
            _go.Set();
        }
    }

    public override async ValueTask<CommitResult> CommitAsync(Batch batch)
    {
        var claims = batch.Operations.Any(o => o is AcquireLeaseOperation acquire && acquire.Name.StartsWith("refresh ", StringComparison.Ordinal));
        var lands = batch.Operations.Any(o => o is PutOperation { Entity.Kind: var kind } && kind == RefreshReceipt.Kind);
        Reach(claims, FaultPoint.BeforeClaim);
        Reach(lands, FaultPoint.BeforeLanding);
        var result = await Inner.CommitAsync(Shortened(batch));
        if (result.Committed)
        {
            var now = TimeProvider.System.GetTimestamp();
            Reach(claims, FaultPoint.AfterClaim);
            Reach(lands, FaultPoint.AfterLanding);
            if (lands && batch.Operations.OfType<ReplaceOperation>().FirstOrDefault(o => o.Entity.Kind == Tokenset.Kind) is { } tokenset)
            {
                tell($"landed {tokenset.Entity.Id} {now}");
            }
        }

        return result;
    }

    public override async ValueTask DisposeAsync()
    {
        _go.Dispose();
        await Inner.DisposeAsync();
        await base.DisposeAsync();
    }

    private void Reach(bool isSuch, FaultPoint point)
    {
        if (!isSuch)
        {
            return;
        }

        FaultAct act;
        lock (_gate)
        {
            if (_armed?.Point != point)
            {
                return;
            }

            act = _armed.Value.Act;
            _armed = null;
        }

        if (act == FaultAct.Kill)
        {
            // The harness may notice much later.
            tell(string.Create(CultureInfo.InvariantCulture, $"dies {Environment.ProcessId} {TimeProvider.System.GetTimestamp()}"));
            Signals.Kill(Environment.ProcessId);
        }

        // The harness stops the whole process, and it stands exactly here.
        tell("here");
        _go.Wait();
    }

    private Batch Shortened(Batch batch)
    {
        if (!batch.Operations.Any(operation => operation is AcquireLeaseOperation or RenewLeaseOperation))
        {
            return batch;
        }

        var shortened = new Batch();
        foreach (var operation in batch.Operations)
        {
            shortened.Add(operation switch
            {
                AcquireLeaseOperation acquire => acquire with { Duration = clock.Shorter(acquire.Duration) },
                RenewLeaseOperation renew => renew with { Duration = clock.Shorter(renew.Duration) },
                _ => operation,
            });
        }

        return shortened;
    }
}
