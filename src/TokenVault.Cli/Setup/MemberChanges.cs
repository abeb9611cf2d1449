using System.Text.Json.Nodes;

namespace TokenVault.Cli.Setup;

/// <summary>The members of something at the server that are not as they should be.</summary>
internal sealed class MemberChanges(JsonObject current)
{
    private readonly List<string> _weakens = [];
    private readonly List<string> _notes = [];

    public JsonObject After { get; } = [];

    public JsonObject Before { get; } = [];

    public void Set(string member, JsonNode? wanted, string? weakens = null, string? note = null)
    {
        if (JsonNode.DeepEquals(current[member], wanted))
        {
            return;
        }

        Before[member] = current[member]?.DeepClone();
        After[member] = wanted?.DeepClone();
        _weakens.AddRange(weakens is null ? [] : [weakens]);
        _notes.AddRange(note is null ? [] : [note]);
    }

    /// <summary>What is there stays; what is missing is added.</summary>
    public void Add(string member, IEnumerable<string> wanted)
    {
        var present = Wire.Texts(current[member]);
        var missing = wanted.Except(present, StringComparer.Ordinal).ToList();
        if (missing.Count > 0)
        {
            Set(member, Wire.Array([.. present, .. missing]));
        }
    }

    /// <summary>The request, if one is needed.</summary>
    public IEnumerable<Change> Patch(string title, string path) => After.Count == 0 ? [] :
    [
        new Change(title, HttpMethod.Patch, path, After)
        {
            Before = Before,
            Weakens = _weakens.Count == 0 ? null : string.Join("; ", _weakens),
            Note = _notes.Count == 0 ? null : string.Join("; ", _notes),
        },
    ];
}
