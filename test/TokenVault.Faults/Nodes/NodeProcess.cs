using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace TokenVault.Faults.Nodes;

/// <summary>A node as the harness sees it: one process after another in the same place, with the same address and data.</summary>
internal sealed class NodeProcess(string name, Uri address, IReadOnlyDictionary<string, string> settings, FastClock clock, Keeper keeper) : IAsyncDisposable
{
    private const int LongestComplaint = 400;

    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(60);

    private readonly ConcurrentQueue<string> _errors = new();
    private Process? _process;
    private TaskCompletionSource _here = new();

    public string Name { get; } = name;

    public Uri Address { get; } = address;

    public int Id => _process?.Id ?? 0;

    public bool IsRunning => _process is { HasExited: false };

    /// <summary>When which process of this node was killed, or ended in another way.</summary>
    public ConcurrentDictionary<int, long> EndedAt { get; } = new();

    /// <summary>Tokenset and time of every receipt that this node has made durable.</summary>
    public ConcurrentQueue<(string Tokenset, long At)> Landed { get; } = new();

    /// <summary>From when until when the node stood still.</summary>
    public ConcurrentQueue<(long From, long To)> Stalls { get; } = new();

    /// <summary>The last things that the node complained about.</summary>
    public string Errors => string.Join('\n', _errors.TakeLast(25));

    /// <summary>Returns when the node serves.</summary>
    public async Task StartAsync()
    {
        var start = new ProcessStartInfo("dotnet")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        string[] clockArguments =
        [
            clock.Factor.ToString(CultureInfo.InvariantCulture), clock.Origin.UtcTicks.ToString(CultureInfo.InvariantCulture),
        ];
        foreach (var argument in (string[])["exec", typeof(NodeHost).Assembly.Location, NodeHost.Verb, .. clockArguments, .. settings.Select(s => $"{s.Key}={s.Value}")])
        {
            start.ArgumentList.Add(argument);
        }

        // Nothing of the caller's settings reaches a node.
        foreach (var foreign in start.Environment.Keys.Where(key => key.StartsWith("TokenVault__", StringComparison.OrdinalIgnoreCase) || key == "ASPNETCORE_URLS").ToList())
        {
            start.Environment.Remove(foreign);
        }

        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var process = new Process { StartInfo = start, EnableRaisingEvents = true };
        process.OutputDataReceived += (_, line) => Hear(line.Data, ready);
        process.ErrorDataReceived += (_, line) => Complain(line.Data);
        process.Start();
        process.Exited += (_, _) =>
        {
            EndedAt.TryAdd(process.Id, TimeProvider.System.GetTimestamp());
            ready.TrySetException(new InvalidOperationException($"{Name} ended before it served:\n{Errors}"));
        };
        keeper.Watch(process.Id);
        _process = process;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        await ready.Task.WaitAsync(StartPatience, TimeProvider.System);
    }

    /// <returns>Done when the process is there and waits to be stopped.</returns>
    public Task ArmStop(FaultPoint point)
    {
        _here = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Order($"arm {point} {FaultAct.Stop}");
        return _here.Task;
    }

    public void ArmKill(FaultPoint point) => Order($"arm {point} {FaultAct.Kill}");

    /// <summary>kill −9.</summary>
    public void KillNow()
    {
        EndedAt.TryAdd(Id, TimeProvider.System.GetTimestamp());
        _process?.Kill();
    }

    /// <summary>kill −9; returns when the process is no more.</summary>
    public async Task KillAsync()
    {
        if (_process is { } process)
        {
            KillNow();
            await process.WaitForExitAsync();
        }
    }

    public void Stop() => Signals.Stop(Id);

    /// <summary>Wakes the process, and lets what stands at a point go on.</summary>
    public void Continue()
    {
        Signals.Continue(Id);
        Order("go");
    }

    /// <summary>False when it still runs after this time, or once this work is done.</summary>
    public async Task<bool> EndsWithinAsync(TimeSpan time, Task work)
    {
        var end = _process!.WaitForExitAsync();
        var limit = Task.Delay(time, TimeProvider.System);
        await Task.WhenAny(end, work, limit);

        // A caller may see the connection break a moment before the process is known to have ended.
        await Task.WhenAny(end, Task.Delay(time / 10, TimeProvider.System));
        return end.IsCompleted;
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _process?.Dispose();
    }

    private void Order(string order)
    {
        try
        {
            _process!.StandardInput.WriteLine(order);
            _process.StandardInput.Flush();
        }
        catch (IOException)
        {
            // It has died already: the round's end sees that.
            Complain($"gone before the order: {order}");
        }
    }

    private void Hear(string? line, TaskCompletionSource ready)
    {
        switch (line?.Split(' '))
        {
            case ["ready"]:
                ready.TrySetResult();
                break;
            case ["here"]:
                _here.TrySetResult();
                break;
            case ["dies", var process, var at]:
                EndedAt[int.Parse(process, CultureInfo.InvariantCulture)] = long.Parse(at, CultureInfo.InvariantCulture);
                break;
            case ["stalled", var from, var to]:
                Stalls.Enqueue((long.Parse(from, CultureInfo.InvariantCulture), long.Parse(to, CultureInfo.InvariantCulture)));
                break;
            case ["landed", var tokenset, var at]:
                Landed.Enqueue((tokenset, long.Parse(at, CultureInfo.InvariantCulture)));
                break;
        }
    }

    private void Complain(string? line)
    {
        if (line is not null)
        {
            _errors.Enqueue(line[..Math.Min(line.Length, LongestComplaint)]);
            while (_errors.Count > 200)
            {
                _errors.TryDequeue(out _);
            }
        }
    }
}
