using System.Diagnostics;
using TokenVault.Cli.Commands;
using TokenVault.Testing;

namespace TokenVault.Cli.Tests.Running;

/// <summary>Where somebody sits with the tool: a directory, a configuration of their own, and an environment.</summary>
internal sealed class Desk : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static string Tool { get; } = Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "tokenvault.exe" : "tokenvault");

    public string Directory { get; } = System.IO.Directory.CreateTempSubdirectory("tokenvault-cli-").FullName;

    public string ConfigDirectory => Path.Combine(Directory, "config");

    /// <summary>Where setups are told to put what they write. Paths are whole: the tool may run in this process, and has no directory of its own there.</summary>
    public string Out => PathOf("out");

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

    /// <summary>The tool without a terminal: its own <c>Program</c>, with the streams and the environment of this desk.</summary>
    public async Task<ToolRun> RunWithInputAsync(string input, params string[] arguments)
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();
        var surroundings = new Surroundings(new StringReader(input), output, TextWriter.Synchronized(errors), Variable);
        var exitCode = await ToolCommand.RunAsync(arguments, surroundings).WaitAsync(Patience);
        return new ToolRun(exitCode, output.ToString(), errors.ToString());
    }

    public Task<ToolRun> RunProcessAsync(params string[] arguments) => RunProgramAsync(Tool, arguments);

    /// <summary>A real process, which has the tool in its path.</summary>
    public async Task<ToolRun> RunProgramAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(StartInfo(program, arguments))!;
        using var patience = new CancellationTokenSource(Patience);
        var output = process.StandardOutput.ReadToEndAsync(patience.Token);
        var errors = process.StandardError.ReadToEndAsync(patience.Token);
        process.StandardInput.Close();
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} {string.Join(' ', arguments)} did not end.");
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

        start.Environment["PATH"] = AppContext.BaseDirectory + Path.PathSeparator + start.Environment["PATH"];
        start.Environment["TOKENVAULT_CONFIG_DIR"] = ConfigDirectory;
        start.Environment["TERM"] = "xterm-256color";
        foreach (var (name, value) in Environment)
        {
            start.Environment[name] = value;
        }

        return start;
    }

    public void Dispose() => System.IO.Directory.Delete(Directory, recursive: true);

    private string? Variable(string name) => Environment.TryGetValue(name, out var value) ? value : name switch
    {
        "TOKENVAULT_CONFIG_DIR" => ConfigDirectory,
        "TERM" => "xterm-256color",
        _ => null,
    };
}
