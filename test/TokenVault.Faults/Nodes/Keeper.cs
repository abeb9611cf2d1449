using System.Diagnostics;

namespace TokenVault.Faults.Nodes;

/// <summary>
/// A shell that tidies up after the harness, in whatever way that ended: it wakes stopped nodes, which then see that their input has
/// ended, unmounts what was mounted below the harness's directory, and removes the directory.
/// </summary>
internal sealed class Keeper : IAsyncDisposable
{
    private const string Script =
        """
        trap '' INT TERM HUP
        while read -r pid; do pids="$pids $pid"; done
        for pid in $pids; do kill -CONT "$pid" 2>/dev/null; done
        for mount in "$1"/*/mount; do [ -d "$mount" ] && umount -l "$mount" 2>/dev/null; done
        rm -rf -- "$1"
        """;

    private readonly Process _shell;

    public Keeper()
    {
        Directory = System.IO.Directory.CreateTempSubdirectory("tokenvault-faults-").FullName;
        var start = new ProcessStartInfo("setsid", ["sh", "-c", Script, "keeper", Directory]) { RedirectStandardInput = true };
        _shell = Process.Start(start)!;
        _shell.StandardInput.AutoFlush = true;
    }

    /// <summary>Everything that the harness writes lies in here.</summary>
    public string Directory { get; }

    public void Watch(int process)
    {
        lock (_shell)
        {
            _shell.StandardInput.WriteLine(process);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _shell.StandardInput.Close();
        await _shell.WaitForExitAsync();
        _shell.Dispose();
    }
}
