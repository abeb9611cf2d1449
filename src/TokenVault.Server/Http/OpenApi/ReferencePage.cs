using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace TokenVault.Server.Http.OpenApi;

/// <summary>The OpenAPI document as plain HTML: every operation with its scope, parameters, members, examples and answers.</summary>
internal static class ReferencePage
{
    /// <summary>Over the style of the other pages, which are forms.</summary>
    public const string Style = """
        body{place-items:start center}main{width:min(60rem,100%)}h2{margin:2.5rem 0 .5rem;font-size:1.2rem}
        details{border-top:1px solid #76768055;padding:.4rem 0}summary{cursor:pointer;overflow-wrap:anywhere}
        summary code{font-weight:700}table{border-collapse:collapse;width:100%;font-size:.9rem;margin:.5rem 0}
        th,td{text-align:left;vertical-align:top;padding:.25rem .5rem .25rem 0;border-bottom:1px solid #76768033;overflow-wrap:anywhere}
        pre{overflow-x:auto;padding:.75rem;border-radius:.4rem;background:#76768022;font-size:.85rem}nav li{display:inline-block;margin-right:1rem}
        nav ul{padding:0}
        """;

    private static readonly JsonWriterOptions Readable = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static Html Of(JsonObject document)
    {
        var operations =
            from path in document["paths"]!.AsObject()
            from operation in path.Value!.AsObject()
            select (Path: path.Key, Method: operation.Key.ToUpperInvariant(), Json: operation.Value!.AsObject());
        var groups = operations.GroupBy(operation => (string)operation.Json["tags"]![0]!).OrderBy(group => group.Key, StringComparer.Ordinal).ToList();
        var links = Html.Join(groups.Select(group => Html.Of($"<li><a href=\"#{Anchor(group.Key)}\">{group.Key}</a></li>")));
        var sections = Html.Join(groups.Select(group => Html.Of(
            $"<h2 id=\"{Anchor(group.Key)}\">{group.Key}</h2>{Html.Join(group.Select(o => Operation(document, o.Path, o.Method, o.Json)))}")));
        return Html.Of($"""
            <h1>API reference</h1><p>{(string?)document["info"]!["description"]}</p>
            <p>As a document: <a href="{ReferenceEndpoints.DocumentPath}">OpenAPI {(string?)document["openapi"]}</a>.</p>
            <nav aria-label="Groups"><ul>{links}</ul></nav>{sections}
            """);
    }

    private static Html Operation(JsonObject document, string path, string method, JsonObject operation)
    {
        var scopes = operation["security"]?.AsArray()
            .SelectMany(scheme => scheme!.AsObject().SelectMany(named => named.Value!.AsArray()))
            .Select(scope => (string)scope!)
            .ToList() ?? [];
        var scope = scopes.Count == 0 ? Html.Empty : Html.Of($"<p>Scope: <code>{string.Join(" or ", scopes)}</code></p>");
        return Html.Of($"""
            <details id="{(string?)operation["operationId"]}"><summary><code>{method} {path}</code> {(string?)operation["summary"]}</summary>
            <p>{(string?)operation["description"]}</p>{scope}{Parameters(operation)}{Body(operation)}{Answers(document, operation)}</details>
            """);
    }

    private static Html Parameters(JsonObject operation)
    {
        if (operation["parameters"] is not JsonArray parameters)
        {
            return Html.Empty;
        }

        var rows = parameters.Select(parameter => Html.Of(
            $"<tr><td><code>{(string?)parameter!["name"]}</code></td><td>{(string?)parameter["in"]}</td><td>{(string?)parameter["description"]}</td></tr>"));
        return Html.Of($"<table><thead><tr><th>Parameter</th><th>In</th><th>Meaning</th></tr></thead><tbody>{Html.Join(rows)}</tbody></table>");
    }

    private static Html Body(JsonObject operation)
    {
        if (operation["requestBody"]?["content"] is not JsonObject content)
        {
            return Html.Empty;
        }

        var (type, media) = content.Last();
        return Html.Of($"<p>Body, <code>{type}</code>:</p>{Members(media!["schema"])}{Example(media["example"])}");
    }

    private static Html Answers(JsonObject document, JsonObject operation)
    {
        var rows = new List<Html>();
        var example = Html.Empty;
        foreach (var (status, answer) in operation["responses"]!.AsObject())
        {
            var resolved = Resolve(document, answer!);
            rows.Add(Html.Of($"<tr><td><code>{status}</code></td><td>{(string?)resolved["description"]}</td></tr>"));
            if (status.StartsWith('2') && resolved["content"] is JsonObject content)
            {
                example = Html.Of($"{Members(content.First().Value!["schema"])}{Example(content.First().Value!["example"])}");
            }
        }

        return Html.Of($"<table><thead><tr><th>Status</th><th>Meaning</th></tr></thead><tbody>{Html.Join(rows)}</tbody></table>{example}");
    }

    private static JsonNode Resolve(JsonObject document, JsonNode answer) =>
        (string?)answer["$ref"] is { } reference ? document["components"]!["responses"]![reference[(reference.LastIndexOf('/') + 1)..]]! : answer;

    private static Html Members(JsonNode? schema)
    {
        var rows = Rows(schema, "").ToList();
        return rows.Count == 0
            ? Html.Empty
            : Html.Of($"<table><thead><tr><th>Member</th><th>Type</th><th>Meaning</th></tr></thead><tbody>{Html.Join(rows)}</tbody></table>");
    }

    private static IEnumerable<Html> Rows(JsonNode? schema, string prefix)
    {
        var shape = schema?["items"] ?? schema?["anyOf"]?[0]?["items"] ?? schema;
        foreach (var (name, member) in shape?["properties"] as JsonObject ?? [])
        {
            yield return Html.Of($"<tr><td><code>{prefix}{name}</code></td><td>{TypeOf(member!)}</td><td>{(string?)member!["description"]}</td></tr>");
            foreach (var row in Rows(member, $"{prefix}{name}."))
            {
                yield return row;
            }
        }
    }

    private static string TypeOf(JsonNode schema) =>
        schema["enum"] is JsonArray values
            ? string.Join(", ", values.Select(value => value?.ToJsonString() ?? "null"))
            : schema["type"] is JsonArray types ? string.Join(" or ", types.Select(type => (string?)type)) : (string?)schema["type"] ?? "any";

    private static Html Example(JsonNode? example)
    {
        if (example is null)
        {
            return Html.Empty;
        }

        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, Readable))
        {
            example.WriteTo(writer);
        }

        return Html.Of($"<pre tabindex=\"0\">{System.Text.Encoding.UTF8.GetString(stream.ToArray())}</pre>");
    }

    private static string Anchor(string tag) => string.Concat(tag.Where(char.IsAsciiLetterOrDigit)).ToLowerInvariant();
}
