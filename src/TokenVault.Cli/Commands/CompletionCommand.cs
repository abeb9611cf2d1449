using System.CommandLine;

namespace TokenVault.Cli.Commands;

/// <summary><c>tokenvault completion</c>: scripts that ask the tool itself what could come next.</summary>
internal static class CompletionCommand
{
    private static readonly Argument<string> Shell = new("shell") { Description = "bash, zsh or fish" };

    private static readonly Dictionary<string, string> Scripts = new(StringComparer.Ordinal)
    {
        ["bash"] = """
            _tokenvault() {
              local IFS=$'\n'
              COMPREPLY=($(compgen -W "$(tokenvault "[suggest:${COMP_POINT}]" "${COMP_LINE}" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
            }
            complete -o default -F _tokenvault tokenvault
            """,
        ["zsh"] = """
            _tokenvault() {
              local -a suggestions
              suggestions=("${(@f)$(tokenvault "[suggest:${CURSOR}]" "${BUFFER}" 2>/dev/null)}")
              compadd -- $suggestions
            }
            compdef _tokenvault tokenvault
            """,
        ["fish"] = """
            complete -c tokenvault -f -a '(tokenvault "[suggest:"(string length (commandline -cp))"]" (commandline -cp) 2>/dev/null)'
            """,
    };

    public static Command Create() => new Command(
        "completion",
        """
        Print a script that completes commands and options in your shell.

        Examples:
          source <(tokenvault completion bash)
          tokenvault completion fish > ~/.config/fish/completions/tokenvault.fish
        """)
    {
        Shell,
    }.Runs((run, _) =>
    {
        var shell = run.Get(Shell)!;
        run.Screen.Raw(Scripts.TryGetValue(shell, out var script)
            ? script
            : throw new ToolException(ExitCode.Usage, $"There is no completion for {shell}.", "Expected: " + string.Join(", ", Scripts.Keys)));
        return Task.FromResult(ExitCode.Done);
    });
}
