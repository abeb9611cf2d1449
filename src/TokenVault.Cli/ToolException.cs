namespace TokenVault.Cli;

/// <summary>What the person is told, what they can do about it, and what the calling script sees.</summary>
internal sealed class ToolException(int exitCode, string message, string? advice = null) : Exception(message)
{
    public int ExitCode { get; } = exitCode;

    /// <summary>Null where the message says all there is to say.</summary>
    public string? Advice { get; } = advice;
}
