namespace TokenVault.Cli;

/// <summary>What the person is told, what they can do about it, and what the calling script sees.</summary>
internal sealed class ToolException(int exitCode, string message, string? advice = null) : Exception(message)
{
    public int ExitCode { get; } = exitCode;

    /// <summary>Null where the message says all there is to say.</summary>
    public string? Advice { get; } = advice;

    /// <summary>Lines of their own below the message, which is one line.</summary>
    public IReadOnlyList<string> Details { get; init; } = [];
}
