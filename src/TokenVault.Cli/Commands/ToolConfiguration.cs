using System.CommandLine;

namespace TokenVault.Cli.Commands;

/// <summary>How a command line is carried out: in what it was started in.</summary>
internal sealed class ToolConfiguration : InvocationConfiguration
{
    public ToolConfiguration(Surroundings surroundings)
    {
        Surroundings = surroundings;
        Output = surroundings.Out;
        Error = surroundings.Error;
        EnableDefaultExceptionHandler = false;
        ProcessTerminationTimeout = TimeSpan.FromSeconds(5);
    }

    public Surroundings Surroundings { get; }
}
