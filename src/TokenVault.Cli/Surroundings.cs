using System.Text;
using Microsoft.Win32.SafeHandles;

namespace TokenVault.Cli;

/// <summary>What the tool was started in: its streams, which of them are a terminal, and its environment.</summary>
internal sealed record Surroundings(TextReader In, TextWriter Out, TextWriter Error, Func<string, string?> Variable)
{
    private const int StandardOutput = 1;

    public bool InIsTerminal { get; init; }

    public bool OutIsTerminal { get; init; }

    public bool ErrorIsTerminal { get; init; }

    /// <summary>Where the logins are kept.</summary>
    public string ProfilesFile => Path.Combine(ConfigurationFolder(), "profiles.json");

    /// <summary>A variable of the environment; null when it is not set, or empty.</summary>
    public string? this[string name] => Variable(name) is { Length: > 0 } value ? value : null;

    public static Surroundings OfProcess() => new(Console.In, Console.IsOutputRedirected ? Piped() : Console.Out, Console.Error, Environment.GetEnvironmentVariable)
    {
        InIsTerminal = !Console.IsInputRedirected,
        OutIsTerminal = !Console.IsOutputRedirected,
        ErrorIsTerminal = !Console.IsErrorRedirected,
    };

    private string ConfigurationFolder()
    {
        if (this["TOKENVAULT_CONFIG_DIR"] is { } own)
        {
            return own;
        }

        // The XDG base directory on Unix, the roaming profile on Windows.
        var root = Environment.GetFolderPath(Environment.SpecialFolder.ApplicationData, Environment.SpecialFolderOption.DoNotVerify);
        return Path.Combine(root, "tokenvault");
    }

    /// <summary>The console does not tell that nobody reads the pipe any more, and what follows a log would follow it for ever.</summary>
    private static TextWriter Piped()
    {
        if (OperatingSystem.IsWindows())
        {
            return Console.Out;
        }

        try
        {
            var stream = new FileStream(new SafeFileHandle(StandardOutput, ownsHandle: false), FileAccess.Write, bufferSize: 0);

            // In a file, others that write to it count on the place where the console leaves off.
            return stream.CanSeek ? Console.Out : new StreamWriter(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)) { AutoFlush = true };
        }
        catch (Exception e) when (e is IOException or ArgumentException or UnauthorizedAccessException)
        {
            // It is closed: what is written goes nowhere.
            return Console.Out;
        }
    }
}
