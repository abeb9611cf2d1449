using System.Text.Json;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace TokenVault.Cli.Terminal;

/// <summary>
/// What the person sees. Results go to standard output, everything about how it went to standard error, so that the former can be piped.
/// </summary>
internal sealed class Screen
{
    private const int Unbroken = 10_000;

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    private readonly TextWriter _out;
    private readonly CancellationToken _interrupted;

    public Screen(Surroundings surroundings, bool color, bool mayAsk, CancellationToken interrupted)
    {
        _out = surroundings.Out;
        _interrupted = interrupted;
        var colors = color && surroundings["NO_COLOR"] is null && surroundings["TERM"] != "dumb";
        MayAsk = mayAsk && surroundings is { InIsTerminal: true, OutIsTerminal: true };
        Surface = Create(_out, surroundings.OutIsTerminal, colors, MayAsk);
        Errors = Create(surroundings.Error, surroundings.ErrorIsTerminal, colors, asks: false);
        IsWatched = surroundings.ErrorIsTerminal;
        Animates = colors && surroundings is { ErrorIsTerminal: true, OutIsTerminal: true } && Errors.Profile.Capabilities.Ansi;
        Errors.Profile.Capabilities.Interactive = Animates;
    }

    /// <summary>Whether somebody is there to answer questions.</summary>
    public bool MayAsk { get; }

    private IAnsiConsole Surface { get; }

    private IAnsiConsole Errors { get; }

    private bool IsWatched { get; }

    /// <summary>Whether the terminal of who watches can change a line: otherwise each step is a line of its own.</summary>
    private bool Animates { get; }

    /// <summary>One line, whatever is in it: somebody else's text cannot pretend to be the next one.</summary>
    public void Line(string text = "") => Surface.WriteLine(PlainText.Of(text));

    /// <summary>As it is, without wrapping: it is to be copied or read by a program.</summary>
    public void Raw(string text) => _out.WriteLine(text);

    public void Json(JsonNode json) => Raw(json.ToJsonString(Indented));

    public void Title(string text) => Surface.MarkupLineInterpolated($"\n[bold]{PlainText.Of(text)}[/]");

    public void Note(string text) => Errors.MarkupLineInterpolated($"[grey]{PlainText.Of(text)}[/]");

    /// <summary>Work that may take a while. Who watches sees its steps as they come: in one changing line, or in lines of their own. A pipe sees none.</summary>
    /// <param name="work">Is given what takes a step's text.</param>
    public async Task<T> WorkingAsync<T>(string what, Func<Action<string>, Task<T>> work)
    {
        if (!Animates)
        {
            return await work(step => Progress(step));
        }

        return await Errors.Status().StartAsync(Shown(what), context => work(step => context.Status(Shown(step))));

        static string Shown(string text) => Markup.Escape(PlainText.Of(text)) + " …";
    }

    public void Done(string text) => Errors.MarkupLineInterpolated($"[green]✓[/] {PlainText.Of(text)}");

    public void Warning(string text) => Errors.MarkupLineInterpolated($"[yellow]![/] {PlainText.Of(text)}");

    public void Failure(ToolException failure)
    {
        Errors.MarkupLineInterpolated($"[red]Error:[/] {PlainText.Of(failure.Message)}");
        foreach (var line in failure.Details.Select(detail => "  " + detail).Concat(failure.Advice is { } advice ? [advice] : []))
        {
            Errors.WriteLine(PlainText.Of(line));
        }
    }

    /// <param name="option">What answers it where nobody can be asked.</param>
    public string Ask(string question, string option) => Prompt(new TextPrompt<string>(Askable(question, option)));

    /// <summary>As <see cref="Ask"/>; what is typed is not shown.</summary>
    public string AskSecret(string question, string option) => Prompt(new TextPrompt<string>(Askable(question, option)).Secret(null));

    public bool Confirm(string question, bool offered) =>
        Prompt(new ConfirmationPrompt(Markup.Escape(PlainText.Of(question))) { DefaultValue = offered });

    /// <summary>Asks, until it is answered or interrupted.</summary>
    public T Prompt<T>(IPrompt<T> prompt) => prompt.ShowAsync(Surface, _interrupted).GetAwaiter().GetResult();

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

    private void Progress(string step)
    {
        if (IsWatched)
        {
            Note(step);
        }
    }

    private string Askable(string question, string option) => MayAsk
        ? Markup.Escape(PlainText.Of(question))
        : throw new ToolException(ExitCode.Usage, $"Missing: {option}", "There is no terminal to ask on.");

    private static IAnsiConsole Create(TextWriter writer, bool isTerminal, bool color, bool asks)
    {
        var colors = color && isTerminal;
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(writer),
            Ansi = colors || asks ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = colors ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = asks ? InteractionSupport.Yes : InteractionSupport.No,
        });

        // A pipe has no width: lines stay whole, for grep.
        if (!isTerminal)
        {
            console.Profile.Width = Unbroken;
        }

        return console;
    }
}
