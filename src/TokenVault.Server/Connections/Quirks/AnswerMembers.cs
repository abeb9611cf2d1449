using System.Text.Json;

namespace TokenVault.Server.Connections.Quirks;

/// <summary>
/// The top-level members of a token answer. Quirks turn one into another; values are kept as they were parsed, so that one which is
/// no text costs nothing but itself.
/// </summary>
internal sealed class AnswerMembers
{
    private readonly Dictionary<string, JsonElement> _members;

    private AnswerMembers(Dictionary<string, JsonElement> members) => _members = members;

    public static AnswerMembers Of(JsonElement json) =>
        new(json.EnumerateObject().ToDictionary(member => member.Name, member => member.Value, StringComparer.Ordinal));

    public JsonElement? this[string name] => _members.TryGetValue(name, out var value) ? value : null;

    /// <summary>The member's text when it is a string that is not empty.</summary>
    public string? Text(string name) => this[name] is { ValueKind: JsonValueKind.String } value ? UpstreamJson.AsText(value) : null;

    /// <summary>The text or number at a path of members, dots between them.</summary>
    public string? At(string path)
    {
        var dot = path.IndexOf('.', StringComparison.Ordinal);
        var first = this[dot < 0 ? path : path[..dot]];
        return first is not { } value ? null : dot < 0 ? UpstreamJson.AsTextOrNumber(value) : value.At(path[(dot + 1)..]);
    }

    public AnswerMembers With(string name, string text) => With(name, UpstreamJson.OfText(text));

    public AnswerMembers With(string name, JsonElement value) => new(new Dictionary<string, JsonElement>(_members, StringComparer.Ordinal) { [name] = value });

    public AnswerMembers Without(string name) =>
        new(_members.Where(member => member.Key != name).ToDictionary(StringComparer.Ordinal));
}
