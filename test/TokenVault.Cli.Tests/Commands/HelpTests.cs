using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Reflection;
using TokenVault.Cli.Commands;
using TokenVault.Cli.Tests.Running;

namespace TokenVault.Cli.Tests.Commands;

/// <summary>What the help and docs/cli.md tell people to type is what the tool takes.</summary>
public sealed class HelpTests
{
    public static TheoryData<string> Examples => [.. FromHelp(ToolCommand.Root()).Concat(FromDocs()).Distinct()];

    [Theory]
    [MemberData(nameof(Examples))]
    public void An_example_is_a_command_line_that_the_tool_takes(string example)
    {
        var words = CommandLineParser.SplitCommandLine(example.Replace('\'', '"')).Skip(1).ToArray();

        ToolCommand.Root().Parse(words).Errors.Select(error => error.Message).ShouldBeEmpty();
    }

    [Fact]
    public void Every_command_that_does_something_has_an_example()
    {
        var without = Commands(ToolCommand.Root()).Where(command => command.Action is not null && command is not RootCommand && FromHelp(command).Count == 0);

        without.Select(command => command.Name).ShouldBeEmpty();
    }

    [Fact]
    public async Task The_help_is_printed()
    {
        using var desk = new Desk();

        var help = (await desk.RunAsync("setup", "--help")).Succeeded().Output;

        help.ShouldContain("Examples:");
        help.ShouldContain("--ip-allowlist");
        (await desk.RunAsync("login", "--help")).Succeeded().Output.ShouldContain("Nobody administers as a person");
        (await desk.RunAsync("--version")).Succeeded();
        (await desk.RunAsync("no-such-command")).ExitCode.ShouldBe(3);
    }

    [Fact]
    public void The_exit_codes_are_documented()
    {
        var codes = typeof(ExitCode).GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => ((int)field.GetRawConstantValue()!).ToString(CultureInfo.InvariantCulture));

        var documented = Docs.Lines("cli.md").SkipWhile(line => line != "## Exit codes").Where(line => line.StartsWith("| ", StringComparison.Ordinal)).Select(line => line.Split('|')[1].Trim());

        documented.Where(code => code.Length > 0).Take(codes.Count()).ShouldBe(codes);
    }

    private static List<string> FromHelp(Command command) =>
        [.. Commands(command).SelectMany(each => Joined((each.Description ?? "").Split('\n'))).Where(line => line.StartsWith("  tokenvault ", StringComparison.Ordinal)).Select(line => line.Trim())];

    private static IEnumerable<Command> Commands(Command command) => command.Subcommands.SelectMany(Commands).Prepend(command);

    private static IEnumerable<string> FromDocs() => Joined(Docs.Lines("cli.md"))
        .Where(line => line.StartsWith("tokenvault ", StringComparison.Ordinal))
        .Select(line => line.Split(" #")[0].Trim());

    /// <summary>Lines that end with a backslash go on in the next; what a pipe leads to is not ours.</summary>
    private static IEnumerable<string> Joined(IEnumerable<string> lines) =>
        string.Join('\n', lines).Replace("\r", "", StringComparison.Ordinal).Replace("\\\n", " ", StringComparison.Ordinal).Split('\n').Select(line => line.Split(" | ")[0].Split(" > ")[0]);
}
