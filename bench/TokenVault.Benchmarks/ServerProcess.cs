using System.Diagnostics;
using System.Globalization;

namespace TokenVault.Benchmarks;

/// <summary>A program that serves, seen from outside: what it uses of the machine is read from <c>/proc</c>.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;

    private ServerProcess(Process process, TimeSpan startTime) => (_process, StartTime) = (process, startTime);

    /// <summary>From the start of the process to its first right answer.</summary>
    public TimeSpan StartTime { get; }

    /// <param name="answers">True once the program answers as it should.</param>
    public static async Task<ServerProcess> StartAsync(ProcessStartInfo start, Func<Task<bool>> answers)
    {
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        var since = Stopwatch.GetTimestamp();
        var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        _ = process.StandardOutput.ReadToEndAsync();
        try
        {
            while (!await AnswersAsync(answers))
            {
                if (process.HasExited || Stopwatch.GetElapsedTime(since) > Patience)
                {
                    process.Kill(entireProcessTree: true);
                    throw new InvalidOperationException($"{start.FileName} did not serve: {await errors}");
                }

                await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System);
            }

            return new ServerProcess(process, Stopwatch.GetElapsedTime(since));
        }
        catch
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }

    /// <summary>CPU time of user and kernel, of this process alone.</summary>
    public TimeSpan Cpu
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>Resident memory now, in bytes.</summary>
    public long ResidentBytes
    {
        get
        {
            var line = File.ReadLines($"/proc/{_process.Id}/status").First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
            return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
        }
    }

    /// <exception cref="TimeoutException">It did not stop by itself; it is killed.</exception>
    public async ValueTask DisposeAsync()
    {
        try
        {
            if (!_process.HasExited)
            {
                // SIGTERM: the store is closed as on any other day.
                using var kill = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]);
                await kill.WaitForExitAsync();
                await _process.WaitForExitAsync().WaitAsync(Patience, TimeProvider.System);
            }
        }
        catch (TimeoutException)
        {
            _process.Kill(entireProcessTree: true);
            throw;
        }
        finally
        {
            _process.Dispose();
        }
    }

    private static async Task<bool> AnswersAsync(Func<Task<bool>> answers)
    {
        try
        {
            return await answers();
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
