using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using TokenVault.Cli.Commands;

namespace TokenVault.Cli.Resources;

/// <summary>The body of a request: a file, and what options say beside it or instead.</summary>
internal static class ResourceBody
{
    public static Option<string?> File { get; } = new("--body") { Description = "A JSON file with members as the Management API has them; - is standard input" };

    public static JsonObject Read(Invocation run, IEnumerable<Field> fields)
    {
        var body = run.Get(File) is { } file ? Parse(file == "-" ? run.Surroundings.In.ReadToEnd() : InputFile.Read(file, "body")) : [];
        foreach (var field in fields)
        {
            if (run.Get(field.Option) is { } text)
            {
                Set(body, field.Member, field.Read(text));
            }
        }

        return body.Count > 0 ? body
            : throw new ToolException(ExitCode.Usage, "Nothing was given to set.", "Name it by options, which --help lists, or by --body file.json");
    }

    private static void Set(JsonObject body, string member, JsonNode? value)
    {
        var dot = member.IndexOf('.', StringComparison.Ordinal);
        if (dot < 0)
        {
            body[member] = value;
            return;
        }

        if (body[member[..dot]] is not JsonObject inner)
        {
            body[member[..dot]] = inner = [];
        }

        Set(inner, member[(dot + 1)..], value);
    }

    private static JsonObject Parse(string text)
    {
        try
        {
            return JsonNode.Parse(text) as JsonObject ?? throw Wrong("it is something else");
        }
        catch (JsonException e)
        {
            throw Wrong(e.Message);
        }
    }

    private static ToolException Wrong(string why) => new(ExitCode.Usage, "The body has to be a JSON object: " + why);
}
