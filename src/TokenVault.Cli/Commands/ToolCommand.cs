using System.CommandLine;
using TokenVault.Cli.Terminal;

namespace TokenVault.Cli.Commands;

/// <summary>The command line, and what becomes of what goes wrong in it. A new command is a file here and a line in <see cref="Root"/>.</summary>
internal static class ToolCommand
{
    /// <summary>EPIPE.</summary>
    private const int BrokenPipe = 32;

    private static readonly Lazy<RootCommand> Tree = new(Root);

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
            AppsCommand.Create(),
            ApisCommand.Create(),
            ConnectionsCommand.Create(),
            UsersCommand.Create(),
            AccountsCommand.Create(),
            TokensetsCommand.Create(),
            KeysCommand.Create(),
            CompletionCommand.Create(),
        };
        foreach (var option in ServerOptions.All)
        {
            root.Options.Add(option);
        }

        return root;
    }

    public static async Task<int> RunAsync(string[] args, Surroundings surroundings)
    {
        try
        {
            var parsed = Tree.Value.Parse(args);
            return parsed.Errors.Count == 0 ? await parsed.InvokeAsync(new ToolConfiguration(surroundings)) : await RefuseAsync(parsed, surroundings);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Nobody is there to be told: what it writes to is closed.
            return ExitCode.Failed;
        }
    }

    private static async Task<int> RefuseAsync(ParseResult parsed, Surroundings surroundings)
    {
        foreach (var problem in Misuse.Of(parsed))
        {
            await surroundings.Error.WriteLineAsync("Error: " + PlainText.Of(problem));
        }

        await surroundings.Error.WriteLineAsync($"tokenvault {string.Join(' ', Names(parsed.CommandResult))} --help shows what there is.".Replace("  ", " ", StringComparison.Ordinal));
        return ExitCode.Usage;
    }

    /// <summary>Gives the command its work.</summary>
    public static Command Runs(this Command command, Func<Invocation, CancellationToken, Task<int>> act)
    {
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var surroundings = ((ToolConfiguration)parsed.InvocationConfiguration).Surroundings;
            var screen = new Screen(surroundings, color: !parsed.GetValue(ServerOptions.NoColor), mayAsk: !parsed.GetValue(ServerOptions.NoInput), cancellationToken);
            var run = new Invocation(parsed, screen, surroundings);
            try
            {
                return await act(run, cancellationToken);
            }
            catch (IOException e) when (e.HResult == BrokenPipe)
            {
                // Whoever read it has seen enough.
                return ExitCode.Failed;
            }
            catch (Exception e)
            {
                run.Debug(e);
                var failure = Explained(e, cancellationToken);
                screen.Failure(failure);
                return failure.ExitCode;
            }
        });
        return command;
    }

    /// <summary>A bug, or a server that answers with what nobody thought of, is told as well, and not by a trace: what is in one is not ours to print.</summary>
    private static ToolException Explained(Exception e, CancellationToken cancellationToken) => e switch
    {
        ToolException known => known,
        OperationCanceledException when cancellationToken.IsCancellationRequested =>
            new ToolException(ExitCode.Failed, "Interrupted. Run it again: what is done stays done, and the rest follows."),
        IOException or UnauthorizedAccessException => new ToolException(ExitCode.Failed, e.Message),
        _ => new ToolException(
            ExitCode.Failed, $"Something unexpected came up ({e.GetType().Name}), perhaps an answer of the server that makes no sense.",
            "Run it again with --debug to see where, and report it."),
    };

    private static IEnumerable<string> Names(System.CommandLine.Parsing.CommandResult result) =>
        result.Parent is System.CommandLine.Parsing.CommandResult parent ? [.. Names(parent), result.Command.Name] : [];
}
