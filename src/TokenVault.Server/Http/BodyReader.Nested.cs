using System.Text.Json;
using System.Text.Json.Nodes;

namespace TokenVault.Server.Http;

/// <content>Lists and objects inside the body.</content>
internal sealed partial class BodyReader
{
    /// <summary>A list of distinct texts; <c>null</c> empties it.</summary>
    public IReadOnlyList<string> Texts(string name, IReadOnlyList<string> current, int most, Func<string, string?>? problem = null)
    {
        _schema?.Texts(name, most);
        if (ListOf(name, most, out var absent) is not { } items)
        {
            return absent ? current : [];
        }

        var texts = items.Select((item, i) => ReadText(item, $"{PathOf(name)}[{i}]", 2048, problem) ?? "").ToList();
        if (texts.Distinct(StringComparer.Ordinal).Count() != texts.Count)
        {
            Refuse("Array items are not unique", name);
        }

        return texts;
    }

    /// <summary>A list of objects; <c>null</c> empties it.</summary>
    public IReadOnlyList<T> Objects<T>(string name, IReadOnlyList<T> current, int most, Func<BodyReader, T> read)
    {
        _schema?.Objects(name, most, () => Describe(item => read(item)));
        if (ListOf(name, most, out var absent) is not { } items)
        {
            return absent ? current : [];
        }

        return [.. items.Select((item, i) => ReadObject(item, $"{PathOf(name)}[{i}]", read))];
    }

    /// <summary>An object that replaces the one there is; <c>null</c> resets it.</summary>
    public T Nested<T>(string name, T current, T fallback, Func<BodyReader, T> read)
    {
        _schema?.Nested(name, () => Describe(inner => read(inner)));
        if (Find(name) is not { } element)
        {
            return current;
        }

        return element.ValueKind == JsonValueKind.Null ? fallback : ReadObject(element, PathOf(name), read);
    }

    /// <summary>An object of the caller's own making, kept as it is; <c>null</c> removes it.</summary>
    public JsonObject? Free(string name, JsonObject? current, Func<JsonObject, string?> problem)
    {
        _schema?.Free(name);
        if (Find(name) is not { } element)
        {
            return current;
        }

        if (element.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        if (element.ValueKind != JsonValueKind.Object)
        {
            _slot.Error ??= Mistyped("object", element, PathOf(name));
            return null;
        }

        var free = JsonObject.Create(element.Clone())!;
        if (problem(free) is { } text)
        {
            Refuse(text, name);
        }

        return free;
    }

    private List<JsonElement>? ListOf(string name, int most, out bool absent)
    {
        var element = Find(name);
        absent = element is null;
        if (element is not { ValueKind: not JsonValueKind.Null } list)
        {
            return null;
        }

        if (list.ValueKind != JsonValueKind.Array)
        {
            _slot.Error ??= Mistyped("array", list, PathOf(name));
            return null;
        }

        if (list.GetArrayLength() > most)
        {
            Refuse($"Array is too long ({list.GetArrayLength()}), maximum {most}", name);
            return null;
        }

        return [.. list.EnumerateArray()];
    }

    private T ReadObject<T>(JsonElement element, string path, Func<BodyReader, T> read)
    {
        var nested = new BodyReader(element, path, _slot);
        var value = read(nested);
        nested.RefuseUnknown();
        return value;
    }
}
