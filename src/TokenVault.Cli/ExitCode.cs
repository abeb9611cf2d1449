namespace TokenVault.Cli;

/// <summary>What scripts can tell apart; docs/cli.md lists them.</summary>
internal static class ExitCode
{
    public const int Done = 0;

    /// <summary>The server refused, or something went wrong on the way.</summary>
    public const int Failed = 1;

    /// <summary>With <c>--plan</c>: there is something to change.</summary>
    public const int ChangesPending = 2;

    /// <summary>An answer is missing or makes no sense.</summary>
    public const int Usage = 3;

    /// <summary>Not logged in, not any more, or without the scopes.</summary>
    public const int NotAllowed = 4;

    /// <summary>No server, not this one, or one whose certificate is not trusted.</summary>
    public const int Unreachable = 5;

    /// <summary>The change would lower a protection, and nobody said that it may.</summary>
    public const int WouldWeaken = 6;
}
