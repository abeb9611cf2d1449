using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Routing.Patterns;

namespace TokenVault.Server.Http.OpenApi;

/// <summary>One operation of the Management API as OpenAPI writes it.</summary>
internal sealed class OperationWriter(string path, string method, RequiredScope scope, Operation operation)
{
    private readonly IReadOnlyList<string> _pathParameters =
        [.. RoutePatternFactory.Parse(path).Parameters.Select(parameter => parameter.Name)];

    public JsonObject ToJson()
    {
        var json = new JsonObject
        {
            ["operationId"] = Id(),
            ["tags"] = WireJson.Texts(["Management: " + path.Split('/')[3]]),
            ["summary"] = operation.Summary,
            ["security"] = new JsonArray([.. scope.AnyOf.Select(any => (JsonNode?)new JsonObject { ["management"] = WireJson.Texts([any]) })]),
        };
        json.With("description", operation.Description);
        var parameters = Parameters();
        if (parameters.Count > 0)
        {
            json["parameters"] = parameters;
        }

        if (operation.Body is not null)
        {
            json["requestBody"] = new JsonObject { ["required"] = true, ["content"] = Content(BodySchema(), operation.BodyExample?.DeepClone()) };
        }

        json["responses"] = Responses();
        return json;
    }

    private string Id()
    {
        var words = path.Split('/').Skip(3).SelectMany(segment => segment.Trim('{', '}').Split('-'));
        return method.ToLowerInvariant() + string.Concat(words.Select(word => char.ToUpperInvariant(word[0]) + word[1..]));
    }

    private JsonObject BodySchema()
    {
        var schema = BodyReader.Describe(operation.Body!);
        return operation.ArrayBody ? new JsonObject { ["type"] = "array", ["items"] = schema } : schema;
    }

    private JsonArray Parameters()
    {
        var parameters = new JsonArray();
        foreach (var name in _pathParameters)
        {
            parameters.Add((JsonNode)new JsonObject { ["name"] = name, ["in"] = "path", ["required"] = true, ["schema"] = Type("string") });
        }

        if (operation.List is not null)
        {
            if (!operation.CheckpointOnly)
            {
                Add("page", "integer", "Which page, from 0.");
                Add("per_page", "integer", "How many, up to 100; 50 unless given.");
                Add("include_totals", "boolean", "Answer an object with start, limit, length and total instead of a bare array.");
            }

            if (!operation.PagesOnly)
            {
                Add("from", "string", "The cursor of the page before: answers an object with the next cursor.");
                Add("take", "integer", "How many with a cursor, 1 to 100; 50 unless given.");
            }
        }

        if (operation.Fields)
        {
            Add("fields", "string", "Members of the answer, separated by commas.");
            Add("include_fields", "boolean", "Whether fields names the members to show, or those to leave out.");
        }

        foreach (var (name, meaning) in operation.Query)
        {
            Add(name, "string", meaning);
        }

        if (operation.Guarded)
        {
            Add("If-Match", "string", "The ETag that was read: refused with 412 when the resource was changed since.", "header");
        }

        return parameters;

        void Add(string name, string type, string meaning, string place = "query") => parameters.Add((JsonNode)new JsonObject
        {
            ["name"] = name,
            ["in"] = place,
            ["description"] = meaning,
            ["schema"] = Type(type),
        });
    }

    private JsonObject Responses()
    {
        var success = new JsonObject { ["description"] = operation.Answer is null ? "Done." : "The answer." };
        if (operation.Answer is { } answer)
        {
            success["content"] = operation.List is { } list ? Content(Lists(list, answer), Listed(list, answer)) : Content(JsonShape.Of(answer), answer.DeepClone());
        }

        var responses = new JsonObject { [$"{operation.Status}"] = success };
        foreach (var status in Refusals().Order())
        {
            responses[$"{status}"] = new JsonObject { ["$ref"] = $"#/components/responses/Management{status}" };
        }

        return responses;
    }

    private HashSet<int> Refusals()
    {
        var refusals = new HashSet<int>(operation.Refusals) { 401, 403, 429 };
        if (operation.Body is not null || operation.Fields || operation.List is not null || operation.Query.Count > 0)
        {
            refusals.Add(400);
        }

        if (operation.Body is not null)
        {
            refusals.Add(413);
        }

        if (_pathParameters.Count > 0)
        {
            refusals.Add(404);
        }

        if (operation.Guarded)
        {
            refusals.Add(412);
        }

        return refusals;
    }

    private JsonObject Lists(string list, JsonNode answer)
    {
        var items = new JsonObject { ["type"] = "array", ["items"] = JsonShape.Of(answer) };
        var cursor = new JsonObject
        {
            ["type"] = "object",
            ["properties"] = new JsonObject { [list] = items.DeepClone(), ["next"] = Type("string") },
        };
        if (operation.CheckpointOnly)
        {
            return cursor;
        }

        var totals = new JsonObject();
        foreach (var name in (string[])["start", "limit", "length", "total"])
        {
            totals[name] = Type("integer");
        }

        totals[list] = items.DeepClone();
        var forms = new JsonArray(items, new JsonObject { ["type"] = "object", ["properties"] = totals });
        if (!operation.PagesOnly)
        {
            forms.Add((JsonNode)cursor);
        }

        return new JsonObject { ["anyOf"] = forms };
    }

    private JsonNode Listed(string list, JsonNode answer) =>
        operation.CheckpointOnly ? new JsonObject { [list] = new JsonArray(answer.DeepClone()) } : new JsonArray(answer.DeepClone());

    private static JsonObject Content(JsonObject schema, JsonNode? example) =>
        new() { ["application/json"] = new JsonObject { ["schema"] = schema }.With("example", example) };

    private static JsonObject Type(string type) => new() { ["type"] = type };
}
