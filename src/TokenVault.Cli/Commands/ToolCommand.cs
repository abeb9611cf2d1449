using System.CommandLine;
using TokenVault.Cli.Terminal;

namespace TokenVault.Cli.Commands;

/// <summary>The command line, and what becomes of what goes wrong in it. A new command is a file here and a line in <see cref="Root"/>.</summary>
internal static class ToolCommand
{
    public static RootCommand Root()
    {
        var root = new RootCommand("Sets up a Token Vault server and its applications.")
        {
            LoginCommand.Create(),
            LogoutCommand.Create(),
            ProfilesCommand.Create(),
            SetupCommand.Create(),
            ExchangeCommand.Create(),
            LogsCommand.Create(),
            DoctorCommand.Create(),
            CompletionCommand.Create(),
        };
        foreach (var list in ListCommand.Create())
        {
            root.Subcommands.Add(list);
        }

        foreach (var option in ServerOptions.All)
        {
            root.Options.Add(option);
        }

        return root;
    }

    public static async Task<int> RunAsync(string[] args)
    {
        var parsed = Root().Parse(args);
        if (parsed.Errors.Count == 0)
        {
            return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = TimeSpan.FromSeconds(5) });
        }

        foreach (var error in parsed.Errors)
        {
            await Console.Error.WriteLineAsync("Error: " + PlainText.Of(error.Message));
        }

        await Console.Error.WriteLineAsync($"tokenvault {string.Join(' ', Names(parsed.CommandResult))} --help shows what there is.".Replace("  ", " ", StringComparison.Ordinal));
        return ExitCode.Usage;
    }

    /// <summary>Gives the command its work.</summary>
    public static Command Runs(this Command command, Func<Invocation, CancellationToken, Task<int>> act)
    {
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var screen = new Screen(color: !parsed.GetValue(ServerOptions.NoColor), mayAsk: !parsed.GetValue(ServerOptions.NoInput));
            try
            {
                return await act(new Invocation(parsed, screen), cancellationToken);
            }
            catch (ToolException e)
            {
                screen.Failure(e);
                return e.ExitCode;
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                screen.Failure(new ToolException(ExitCode.Failed, "Interrupted. Run it again: what is done stays done, and the rest follows."));
                return ExitCode.Failed;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                screen.Failure(new ToolException(ExitCode.Failed, e.Message));
                return ExitCode.Failed;
            }
        });
        return command;
    }

    private static IEnumerable<string> Names(System.CommandLine.Parsing.CommandResult result) =>
        result.Parent is System.CommandLine.Parsing.CommandResult parent ? [.. Names(parent), result.Command.Name] : [];
}
