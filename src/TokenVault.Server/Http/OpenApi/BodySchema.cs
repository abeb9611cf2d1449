using System.Text.Json.Nodes;

namespace TokenVault.Server.Http.OpenApi;

/// <summary>A JSON schema that grows as a body's reader asks for members. What is asked for first says what a member is.</summary>
internal sealed class BodySchema
{
    private readonly JsonObject _properties = [];
    private readonly List<string> _required = [];

    public void Text(string name, int longest) => Add(name, () => new JsonObject { ["type"] = OrNull("string"), ["maxLength"] = longest });

    public void RequiredText(string name, int longest, bool isRequired)
    {
        Add(name, () => new JsonObject { ["type"] = "string", ["minLength"] = 1, ["maxLength"] = longest });
        Require(name, isRequired);
    }

    public void OneOf(string name, ReadOnlySpan<string> allowed)
    {
        string[] values = [.. allowed];
        Add(name, () => new JsonObject { ["type"] = OrNull("string"), ["enum"] = new JsonArray([.. values.Select(value => (JsonNode?)value), null]) });
    }

    public void Flag(string name) => Add(name, () => new JsonObject { ["type"] = OrNull("boolean") });

    public void RequiredFlag(string name)
    {
        Add(name, () => new JsonObject { ["type"] = "boolean" });
        Require(name, isRequired: true);
    }

    public void Number(string name, int min, int max) =>
        Add(name, () => new JsonObject { ["type"] = OrNull("integer"), ["minimum"] = min, ["maximum"] = max });

    public void Texts(string name, int most) => Add(name, () => new JsonObject
    {
        ["type"] = OrNull("array"),
        ["items"] = new JsonObject { ["type"] = "string" },
        ["maxItems"] = most,
        ["uniqueItems"] = true,
    });

    public void Objects(string name, int most, Func<JsonObject> item) =>
        Add(name, () => new JsonObject { ["type"] = OrNull("array"), ["items"] = item(), ["maxItems"] = most });

    public void Nested(string name, Func<JsonObject> schema) => Add(name, () =>
    {
        var nested = schema();
        nested["type"] = OrNull("object");
        return nested;
    });

    public void Free(string name) => Add(name, () => new JsonObject { ["type"] = OrNull("object"), ["additionalProperties"] = true });

    public void Any(string name) => Add(name, () => new JsonObject { ["description"] = "A text, or a list of texts." });

    /// <summary>A setting that exists for tools that send it.</summary>
    public void Fixed(string name, string json) => Add(name, () => new JsonObject
    {
        ["enum"] = new JsonArray(JsonNode.Parse(json), null),
        ["description"] = "The only value that this server can honour.",
    });

    public void Echo(string name) => Add(name, () => new JsonObject
    {
        ["type"] = "string",
        ["description"] = "Cannot be changed; accepted as it was read.",
    });

    public void EchoOnly(string name) => Add(name, () => new JsonObject
    {
        ["type"] = OrNull("array"),
        ["items"] = new JsonObject { ["type"] = "string" },
        ["description"] = "Cannot be changed; accepted as it was read.",
    });

    public JsonObject ToJson()
    {
        var schema = new JsonObject { ["type"] = "object", ["properties"] = _properties, ["additionalProperties"] = false };
        if (_required.Count > 0)
        {
            schema["required"] = WireJson.Texts(_required);
        }

        return schema;
    }

    private void Require(string name, bool isRequired)
    {
        if (isRequired && !_required.Contains(name))
        {
            _required.Add(name);
        }
    }

    private void Add(string name, Func<JsonObject> schema)
    {
        if (!_properties.ContainsKey(name))
        {
            _properties[name] = schema();
        }
    }

    private static JsonArray OrNull(string type) => WireJson.Texts([type, "null"]);
}
