using System.Diagnostics;

namespace TokenVault.Benchmarks;

/// <summary>The floor as a process that stays up, so that every measurement can take turns with it.</summary>
internal sealed class FloorServer : IAsyncDisposable
{
    private readonly Deployment _scratch;

    private FloorServer(Deployment scratch, string requests, ServerProcess process) => (_scratch, Requests, Process) = (scratch, requests, process);

    public ServerProcess Process { get; }

    public Deployment At => _scratch;

    /// <summary>The file of bodies.</summary>
    public string Requests { get; }

    /// <param name="answers">Whether the server that is deployed so answers the first of these requests as it should.</param>
    public static async Task<FloorServer> StartAsync(Func<Deployment, string, Task<bool>> answers)
    {
        var scratch = new Deployment(database: null);
        try
        {
            var requests = Path.Combine(scratch.Directory, "floor.requests");
            var start = new ProcessStartInfo("dotnet") { ArgumentList = { typeof(Floor).Assembly.Location, "floor", scratch.Address, requests } };
            return new FloorServer(scratch, requests, await ServerProcess.StartAsync(start, () => answers(scratch, requests)));
        }
        catch
        {
            scratch.Dispose();
            throw;
        }
    }

    /// <returns>What it carried, and the CPU time that this took it.</returns>
    public async Task<(Load Load, TimeSpan Cpu)> MeasureAsync(TimeSpan duration)
    {
        var before = Process.Cpu;
        var load = await Wrk.MeasureAsync(At.Address, Requests, RequestKind.AccessToken, duration, skip: 0, seed: 0);
        return (load, Process.Cpu - before);
    }

    public async ValueTask DisposeAsync()
    {
        await Process.DisposeAsync();
        _scratch.Dispose();
    }
}
