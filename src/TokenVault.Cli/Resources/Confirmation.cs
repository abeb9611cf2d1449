using System.CommandLine;
using TokenVault.Cli.Commands;

namespace TokenVault.Cli.Resources;

/// <summary>Before something is taken away: the person says so, or the script by <c>--yes</c>.</summary>
internal static class Confirmation
{
    public static Option<bool> Yes { get; } = new("--yes") { Description = "Do not ask" };

    /// <returns>False: they said no.</returns>
    public static bool Given(Invocation run, string question)
    {
        if (run.Get(Yes))
        {
            return true;
        }

        if (!run.Screen.MayAsk)
        {
            throw new ToolException(ExitCode.Usage, "Missing: --yes", $"{question} There is no terminal to ask on.");
        }

        if (run.Screen.Confirm(question, offered: false))
        {
            return true;
        }

        run.Screen.Line("Nothing was changed.");
        return false;
    }
}
