using System.Text.Json;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Mcp;

/// <summary>What a model passes to a tool: read strictly, since it may be somebody else's text that speaks through the model (T-CL-07).</summary>
internal sealed class ToolArguments(IDictionary<string, JsonElement>? arguments)
{
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);

    /// <summary>So that a link that has them, sealed, is one that browsers and servers take.</summary>
    private const int LongestScopes = 4096;

    /// <summary>The first thing that is wrong; null: nothing so far.</summary>
    public string? Problem { get; private set; }

    public string? Text(string name, int longest, bool required = false)
    {
        _known.Add(name);
        if (arguments is null || !arguments.TryGetValue(name, out var value) || value.ValueKind == JsonValueKind.Null)
        {
            return required ? Refuse($"{name} is missing.") : null;
        }

        return value.ValueKind == JsonValueKind.String && value.GetString() is { } text && text.Length > 0 && text.Length <= longest
            ? text
            : Refuse($"{name} must be a text of 1 to {longest} characters.");
    }

    public string OneOf(string name, params string[] values)
    {
        var given = Text(name, 64) ?? values[0];
        return values.Contains(given, StringComparer.Ordinal) ? given : Refuse($"{name} must be one of {string.Join(", ", values)}.") ?? values[0];
    }

    public IReadOnlyList<string> Scopes(string name)
    {
        _known.Add(name);
        if (arguments is null || !arguments.TryGetValue(name, out var value) || value.ValueKind == JsonValueKind.Null)
        {
            return [];
        }

        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() > 100 || value.GetRawText().Length > LongestScopes
            || value.EnumerateArray().Any(scope => scope.ValueKind != JsonValueKind.String || !Scope.IsToken(scope.GetString()!)))
        {
            Refuse($"{name} must be a list of up to 100 scopes, of {LongestScopes} characters in all.");
            return [];
        }

        return [.. value.EnumerateArray().Select(scope => scope.GetString()!).Distinct(StringComparer.Ordinal)];
    }

    /// <summary>Nothing is passed over: a header that is not sent, say, must not seem to have been.</summary>
    public string? Finish() => Problem ?? (arguments?.Keys.FirstOrDefault(name => !_known.Contains(name)) is { } unknown
        ? $"There is no argument {OAuthError.Shown(unknown)}."
        : null);

    private string? Refuse(string problem)
    {
        Problem ??= problem;
        return null;
    }
}
