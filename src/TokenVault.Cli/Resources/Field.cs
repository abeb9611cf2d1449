using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using TokenVault.Cli.Commands;
using TokenVault.Cli.Setup;

namespace TokenVault.Cli.Resources;

/// <summary>An option that sets a member of a resource.</summary>
/// <param name="Member">Where it stands in the body; with a dot, in an object there.</param>
/// <param name="Read">The text that was given, as the Management API takes it.</param>
internal sealed record Field(Option<string?> Option, string Member, Func<string, JsonNode?> Read)
{
    /// <summary>Only a new one takes it.</summary>
    public bool OnlyNew { get; init; }

    public static Field Text(string option, string member, string description) => new(Named(option, description), member, text => text);

    public static Field List(string option, string member, string description) => new(Named(option, description + ", separated by commas"), member, text => Wire.Array(Items(text)));

    public static Field Flag(string option, string member, string description) => new(Named(option, description + ": true or false"), member, text => text switch
    {
        "true" => true,
        "false" => false,
        _ => throw new ToolException(ExitCode.Usage, $"{option} cannot be {text}.", "Expected: true, false"),
    });

    public static Field Number(string option, string member, string description) => new(Named(option, description), member, text =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number
        : throw new ToolException(ExitCode.Usage, $"{option} cannot be {text}.", "Expected: a number"));

    /// <summary>A secret: from a file, never from the command line (T-CL-01).</summary>
    public static Field Secret(string option, string member, string what) =>
        new(Named(option, $"A file with the {what}"), member, file => InputFile.ReadSecret(file, what));

    public static IEnumerable<string> Items(string text) => text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private static Option<string?> Named(string option, string description) => new(option) { Description = description };
}
