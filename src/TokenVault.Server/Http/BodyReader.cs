using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Nodes;
using TokenVault.Server.Http.OpenApi;

namespace TokenVault.Server.Http;

/// <summary>
/// A JSON object laid over the current value of a noun: an absent member keeps what there is, <c>null</c> resets it to its default,
/// anything else is checked. Members nobody asked for are refused (T-MG-06). The first problem is kept; what is read after it is void.
/// </summary>
internal sealed partial class BodyReader
{
    private readonly JsonElement _object;
    private readonly string _path;
    private readonly Slot _slot;
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);

    /// <summary>When the reading is only watched, to describe the body: what was asked for.</summary>
    private readonly BodySchema? _schema;

    private BodyReader(JsonElement element, string path, Slot slot, BodySchema? schema = null)
    {
        _schema = schema;
        _object = element;
        _path = path;
        _slot = slot;
        if (slot.Error is null && element.ValueKind != JsonValueKind.Object)
        {
            slot.Error = Mistyped("object", element, path);
        }
    }

    /// <summary>With a body that is an array: its elements.</summary>
    public IReadOnlyList<BodyReader> Items { get; private init; } = [];

    public static BodyReader OfObject(JsonBody body) => new(body.Root, "", new Slot { Error = body.Error });

    public static BodyReader OfArray(JsonBody body)
    {
        var slot = new Slot { Error = body.Error };
        if (slot.Error is null && body.Root.ValueKind != JsonValueKind.Array)
        {
            slot.Error = Mistyped("array", body.Root, "");
        }

        var items = slot.Error is null ? body.Root.EnumerateArray().Select((item, i) => new BodyReader(item, $"[{i}]", slot)).ToList() : [];
        return new BodyReader(EmptyObject, "", slot) { Items = items };
    }

    private static JsonElement EmptyObject { get; } = JsonDocument.Parse("{}").RootElement;

    /// <summary>What <paramref name="read"/> asks of a body, as a schema: the reading itself is the one description of it.</summary>
    public static JsonObject Describe(Action<BodyReader> read)
    {
        var schema = new BodySchema();
        read(new BodyReader(EmptyObject, "", new Slot(), schema));
        return schema.ToJson();
    }

    /// <summary>To be asked when everything is read: also finds the members that nobody asked for.</summary>
    public bool Refused([NotNullWhen(true)] out ManagementError? error)
    {
        RefuseUnknown();
        foreach (var item in Items)
        {
            item.RefuseUnknown();
        }

        error = _slot.Error;
        return error is not null;
    }

    /// <summary>Something was wrong already: what costs time can be left out.</summary>
    public bool Failing => _slot.Error is not null;

    /// <summary>Whether the member is there; a watched reading is to ask for all that there could be.</summary>
    public bool Has(string name) => Find(name) is not null || _schema is not null;

    public bool IsNull(string name) => Find(name) is { ValueKind: JsonValueKind.Null };

    /// <summary>Refuses the body with a problem of this member.</summary>
    public void Refuse(string problem, string name) => _slot.Error ??= ManagementError.InvalidBody(problem, name.Length == 0 ? _path : PathOf(name));

    /// <summary>An optional text; <c>null</c> and the empty text mean none.</summary>
    /// <param name="problem">What is wrong with a value, or null.</param>
    public string? Text(string name, string? current, int longest, Func<string, string?>? problem = null)
    {
        _schema?.Text(name, longest);
        if (Find(name) is not { } element)
        {
            return current;
        }

        if (element.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        var text = ReadText(element, PathOf(name), longest, problem);
        return string.IsNullOrEmpty(text) ? null : text;
    }

    /// <summary>A text that must be there: in the body, or already.</summary>
    public string RequiredText(string name, string current, int longest, Func<string, string?>? problem = null)
    {
        _schema?.RequiredText(name, longest, isRequired: current.Length == 0);
        if (Find(name) is not { } element)
        {
            if (current.Length == 0)
            {
                _slot.Error ??= ManagementError.InvalidBody($"Missing required property: {name}", _path);
            }

            return current;
        }

        var text = ReadText(element, PathOf(name), longest, problem) ?? "";
        if (text.Length == 0)
        {
            Refuse("String is too short (0 chars), minimum 1", name);
        }

        return text;
    }

    public string OneOf(string name, string current, string fallback, params ReadOnlySpan<string> allowed)
    {
        _schema?.OneOf(name, allowed);
        if (Find(name) is not { } element)
        {
            return current;
        }

        if (element.ValueKind == JsonValueKind.Null)
        {
            return fallback;
        }

        var text = ReadText(element, PathOf(name), 255, problem: null) ?? fallback;
        if (!allowed.Contains(text))
        {
            Refuse($"No enum match for: {Shown(text)}", name);
        }

        return text;
    }

    public bool Flag(string name, bool current, bool fallback)
    {
        _schema?.Flag(name);
        if (Find(name) is not { } element)
        {
            return current;
        }

        if (element.ValueKind == JsonValueKind.Null)
        {
            return fallback;
        }

        if (element.ValueKind is not (JsonValueKind.True or JsonValueKind.False))
        {
            _slot.Error ??= Mistyped("boolean", element, PathOf(name));
            return fallback;
        }

        return element.GetBoolean();
    }

    public bool RequiredFlag(string name)
    {
        _schema?.RequiredFlag(name);
        if (Find(name) is null)
        {
            _slot.Error ??= ManagementError.InvalidBody($"Missing required property: {name}", _path);
        }

        return Flag(name, current: false, fallback: false);
    }

    public int Number(string name, int current, int fallback, int min, int max)
    {
        _schema?.Number(name, min, max);
        if (Find(name) is not { } element)
        {
            return current;
        }

        if (element.ValueKind == JsonValueKind.Null)
        {
            return fallback;
        }

        if (element.ValueKind != JsonValueKind.Number)
        {
            _slot.Error ??= Mistyped("integer", element, PathOf(name));
            return fallback;
        }

        if (element.TryGetInt32(out var number) && number >= min && number <= max)
        {
            return number;
        }

        Refuse($"Expected an integer from {min} to {max}", name);
        return fallback;
    }

    private static string Shown(string text) => Protocol.OAuthError.Shown(text);

    private static ManagementError Mistyped(string expected, JsonElement found, string path) =>
        ManagementError.InvalidBody($"Expected type {expected} but found type {NameOf(found.ValueKind)}", path);

    private static string NameOf(JsonValueKind kind) => kind switch
    {
        JsonValueKind.True or JsonValueKind.False => "boolean",
        _ => kind.ToString().ToLowerInvariant(),
    };

    private string PathOf(string name) => _path.Length == 0 ? name : $"{_path}.{name}";

    private JsonElement? Find(string name)
    {
        _known.Add(name);
        return _slot.Error is null && _object.TryGetProperty(name, out var element) ? element : null;
    }

    private string? ReadText(JsonElement element, string path, int longest, Func<string, string?>? problem)
    {
        if (element.ValueKind != JsonValueKind.String)
        {
            _slot.Error ??= Mistyped("string", element, path);
            return null;
        }

        var text = element.GetString()!;
        var wrong = text.Length > longest ? $"String is too long ({text.Length} chars), maximum {longest}"
            : text.Any(char.IsControl) ? "The text holds control characters"
            : text.Length > 0 ? problem?.Invoke(text)
            : null;
        if (wrong is not null)
        {
            _slot.Error ??= ManagementError.InvalidBody(wrong, path);
        }

        return text;
    }

    private void RefuseUnknown()
    {
        if (_slot.Error is not null)
        {
            return;
        }

        foreach (var member in _object.EnumerateObject())
        {
            if (!_known.Contains(member.Name))
            {
                _slot.Error = ManagementError.InvalidBody($"Additional properties not allowed: {Shown(member.Name)}", _path);
                return;
            }
        }
    }

    /// <summary>Shared by a body and everything nested in it.</summary>
    private sealed class Slot
    {
        public ManagementError? Error { get; set; }
    }
}
