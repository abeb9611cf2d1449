using System.Diagnostics;
using TokenVault.Testing;

namespace TokenVault.Cli.Tests.Running;

/// <summary>Where somebody sits with the tool: a directory, a configuration of their own, and the tool as a real process.</summary>
internal sealed class Desk : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static string Tool { get; } = Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "tokenvault.exe" : "tokenvault");

    public string Directory { get; } = System.IO.Directory.CreateTempSubdirectory("tokenvault-cli-").FullName;

    public string ConfigDirectory => Path.Combine(Directory, "config");

    /// <summary>Beside what the test itself was started with.</summary>
    public Dictionary<string, string?> Environment { get; } = [];

    /// <summary>A desk at which somebody has logged in as the server's first client.</summary>
    public static async Task<Desk> LoggedInAsync(TestVault vault)
    {
        var desk = new Desk();
        (await desk.RunAsync("login", "--bootstrap", Path.Combine(vault.DataDirectory, "bootstrap.json"))).Succeeded();
        return desk;
    }

    public string PathOf(string name) => Path.Combine(Directory, name);

    public string Write(string name, string text)
    {
        File.WriteAllText(PathOf(name), text);
        return PathOf(name);
    }

    public Task<ToolRun> RunAsync(params string[] arguments) => RunWithInputAsync("", arguments);

    public async Task<ToolRun> RunWithInputAsync(string input, params string[] arguments)
    {
        using var process = Process.Start(StartInfo(Tool, arguments))!;
        using var patience = new CancellationTokenSource(Patience);
        var output = process.StandardOutput.ReadToEndAsync(patience.Token);
        var errors = process.StandardError.ReadToEndAsync(patience.Token);
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"tokenvault {string.Join(' ', arguments)} did not end.");
        }

        return new ToolRun(process.ExitCode, await output, await errors);
    }

    public ProcessStartInfo StartInfo(string program, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = Directory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var name in start.Environment.Keys.Where(name => name is "DEBUG" or "NO_COLOR" || name.StartsWith("TOKENVAULT_", StringComparison.Ordinal)).ToList())
        {
            start.Environment.Remove(name);
        }

        start.Environment["TOKENVAULT_CONFIG_DIR"] = ConfigDirectory;
        start.Environment["TERM"] = "xterm-256color";
        foreach (var (name, value) in Environment)
        {
            start.Environment[name] = value;
        }

        return start;
    }

    public void Dispose() => System.IO.Directory.Delete(Directory, recursive: true);
}
