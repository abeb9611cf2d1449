using System.Text.Json.Nodes;

namespace TokenVault.Server.Http;

/// <summary><c>fields</c> and <c>include_fields</c>: which top-level members of an answer the caller wants. Unknown names select nothing.</summary>
internal sealed class FieldFilter
{
    private readonly HashSet<string>? _names;
    private readonly bool _include;

    private FieldFilter(HashSet<string>? names, bool include)
    {
        _names = names;
        _include = include;
    }

    public static FieldFilter Read(QueryReader query)
    {
        var include = query.Flag("include_fields") ?? true;
        var fields = query.Text("fields");
        return new FieldFilter(
            fields?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).ToHashSet(StringComparer.Ordinal), include);
    }

    public JsonObject Apply(JsonObject json)
    {
        if (_names is null)
        {
            return json;
        }

        foreach (var name in json.Select(member => member.Key).Where(name => _names.Contains(name) != _include).ToList())
        {
            json.Remove(name);
        }

        return json;
    }
}
