using System.Text.Json;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace TokenVault.Cli.Terminal;

/// <summary>
/// What the person sees. Results go to standard output, everything about how it went to standard error, so that the former can be piped.
/// </summary>
internal sealed class Screen
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    private readonly TextWriter _out = Console.Out;
    private readonly TextWriter _error = Console.Error;

    public Screen(bool color, bool mayAsk)
    {
        var colors = color && Environment.GetEnvironmentVariable("NO_COLOR") is null or "" && Environment.GetEnvironmentVariable("TERM") != "dumb";
        MayAsk = mayAsk && !Console.IsInputRedirected && !Console.IsOutputRedirected;
        Surface = Create(_out, colors && !Console.IsOutputRedirected, MayAsk);
        Errors = Create(_error, colors && !Console.IsErrorRedirected, asks: false);
    }

    /// <summary>Whether somebody is there to answer questions.</summary>
    public bool MayAsk { get; }

    public IAnsiConsole Surface { get; }

    private IAnsiConsole Errors { get; }

    public void Line(string text = "") => Surface.WriteLine(PlainText.OfLines(text));

    /// <summary>As it is, without wrapping: it is to be copied or read by a program.</summary>
    public void Raw(string text) => _out.WriteLine(text);

    public void Json(JsonNode json) => Raw(json.ToJsonString(Indented));

    public void Title(string text) => Surface.MarkupLineInterpolated($"\n[bold]{PlainText.OfLines(text)}[/]");

    public void Progress(string text) => Errors.MarkupLineInterpolated($"[grey]{PlainText.OfLines(text)}[/]");

    public void Done(string text) => Errors.MarkupLineInterpolated($"[green]✓[/] {PlainText.OfLines(text)}");

    public void Warning(string text) => Errors.MarkupLineInterpolated($"[yellow]![/] {PlainText.OfLines(text)}");

    public void Failure(ToolException failure)
    {
        Errors.MarkupLineInterpolated($"[red]Error:[/] {PlainText.OfLines(failure.Message)}");
        if (failure.Advice is { } advice)
        {
            Errors.WriteLine(PlainText.OfLines(advice));
        }
    }

    /// <param name="option">What answers it where nobody can be asked.</param>
    public string Ask(string question, string option) => Surface.Prompt(new TextPrompt<string>(Askable(question, option)));

    /// <summary>As <see cref="Ask"/>; what is typed is not shown.</summary>
    public string AskSecret(string question, string option) => Surface.Prompt(new TextPrompt<string>(Askable(question, option)).Secret(null));

    public bool Confirm(string question, bool offered) =>
        Surface.Prompt(new ConfirmationPrompt(Markup.Escape(PlainText.Of(question))) { DefaultValue = offered });

    /// <summary>A table for people. Cells are somebody else's text.</summary>
    public void Table(IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<string?>> rows)
    {
        var table = new Table { Border = TableBorder.Simple };
        foreach (var column in columns)
        {
            table.AddColumn(new TableColumn(new Text(column)));
        }

        foreach (var row in rows)
        {
            table.AddRow(row.Select(cell => new Text(PlainText.Of(cell))));
        }

        Surface.Write(table);
    }

    private string Askable(string question, string option) => MayAsk
        ? Markup.Escape(PlainText.Of(question))
        : throw new ToolException(ExitCode.Usage, $"Missing: {option}", "There is no terminal to ask on.");

    private static IAnsiConsole Create(TextWriter writer, bool colors, bool asks)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(writer),
            Ansi = colors || asks ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = colors ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = asks ? InteractionSupport.Yes : InteractionSupport.No,
        });

        // A pipe has no width: lines stay whole, for grep.
        if (!asks && (Console.IsOutputRedirected || writer == Console.Error))
        {
            console.Profile.Width = Console.IsOutputRedirected || Console.IsErrorRedirected ? 10_000 : console.Profile.Width;
        }

        return console;
    }
}
