using System.Text.Json;

namespace TokenVault.Server.Http;

/// <content>Members that cannot be chosen freely.</content>
internal sealed partial class BodyReader
{
    /// <summary>The member as it stands, for the few whose type varies.</summary>
    public JsonElement? Raw(string name)
    {
        _schema?.Any(name);
        return Find(name);
    }

    /// <summary>A text of several lines, as a PEM is; null when there is none.</summary>
    public string? Lines(string name, int longest)
    {
        _schema?.Text(name, longest);
        if (Find(name) is not { ValueKind: not JsonValueKind.Null } element)
        {
            return null;
        }

        if (element.ValueKind != JsonValueKind.String)
        {
            _slot.Error ??= Mistyped("string", element, PathOf(name));
            return null;
        }

        var text = element.GetString()!;
        if (text.Length > longest)
        {
            Refuse($"String is too long ({text.Length} chars), maximum {longest}", name);
        }

        return text.Length == 0 ? null : text;
    }

    /// <summary>A setting this server does not have: accepted when it asks for what the server does anyway.</summary>
    /// <param name="json">The accepted value.</param>
    public void Fixed(string name, string json)
    {
        _schema?.Fixed(name, json);
        if (Find(name) is not { ValueKind: not JsonValueKind.Null } element)
        {
            return;
        }

        using var accepted = JsonDocument.Parse(json);
        if (!JsonElement.DeepEquals(element, accepted.RootElement))
        {
            Refuse($"Not supported by this server: the only value is {json}", name);
        }
    }

    /// <summary>A read-only list that a tool sends back as it read it: of this one text.</summary>
    public void EchoOnly(string name, string value)
    {
        _schema?.EchoOnly(name);
        if (Find(name) is not { ValueKind: not JsonValueKind.Null } element)
        {
            return;
        }

        var same = element.ValueKind == JsonValueKind.Array
            && element.GetArrayLength() == 1
            && element[0].ValueKind == JsonValueKind.String
            && string.Equals(element[0].GetString(), value, StringComparison.Ordinal);
        if (!same)
        {
            Refuse($"Not supported by this server: the only value is [\"{Shown(value)}\"]", name);
        }
    }

    /// <summary>A read-only member that a tool sends back as it read it.</summary>
    public void Echo(string name, string? value)
    {
        _schema?.Echo(name);
        if (Find(name) is not { } element)
        {
            return;
        }

        if (element.ValueKind != JsonValueKind.String || !string.Equals(element.GetString(), value, StringComparison.Ordinal))
        {
            Refuse("The property is read-only", name);
        }
    }
}
