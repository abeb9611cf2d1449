using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Routing;
using TokenVault.Server.Http;

namespace TokenVault.Tests.Management;

/// <summary>Every writable body, made wrong in every way that its own schema suggests, and in some that no schema does.</summary>
public sealed class BadInputTests
{
    private const int AtOnce = 6;

    private static readonly string Deep = string.Concat(Enumerable.Repeat("""{"a":""", 200)) + "1" + new string('}', 200);

    /// <summary>In place of a member's value.</summary>
    private static readonly string[] Values =
    [
        "null", "true", "12345678901234567890", "-1.5e300", "\"\"", "\"a\\u0000b\\u001b\"", "\"\\ud800\"", "\"<script>\"", "[]", "[null]", "[[]]",
        """["x","x"]""", "[{}]", "{}", """{"unknown_member":1}""", """{"__proto__":{"a":1}}""", $"\"{new string('x', 20_000)}\"",
    ];

    /// <summary>In place of the whole body.</summary>
    private static readonly string[] Bodies =
    [
        "", "null", "1", "\"x\"", "[]", "[1]", "{", "{}x", """{"a":1,"a":2}""", "{/* */}", """{"unknown_member":1}""", """{"tenant":"other","id":"x","created_at":"2020-01-01"}""",
        "\u0000", "\ufeff{}", """{"__proto__":{},"constructor":{}}""", Deep, new string('[', 10_000),
    ];

    [Fact]
    public async Task T_MG_06_no_body_whatever_breaks_the_server()
    {
        await using var host = await ManagementHost.StartAsync();
        var document = await OpenApiTests.DocumentAsync(host);
        var scene = await ManagementScene.CreateAsync(host);
        var requests = Requests(host, document, scene).ToList();
        requests.Count.ShouldBeGreaterThan(1500);
        var token = "Bearer " + host.Token(host.Endpoints.SelectMany(e => e.Metadata.GetMetadata<RequiredScope>()?.AnyOf ?? []).Distinct());

        var wrong = new ConcurrentBag<string>();
        await Parallel.ForEachAsync(requests, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (request, _) =>
        {
            var reply = await host.SendAsync(request.Method, request.Path, request.Json, token);
            if (reply.Status >= 500 || !request.Statuses.Contains(reply.Status))
            {
                wrong.Add($"{request.Method} {request.Path} {request.Json[..Math.Min(request.Json.Length, 120)]}: {reply.Status} {reply.Message}");
            }
        });

        wrong.Take(20).ShouldBeEmpty();
    }

    [Fact]
    public async Task T_MG_06_a_body_of_a_megabyte_is_refused_unread()
    {
        await using var host = await ManagementHost.StartAsync();
        var document = await OpenApiTests.DocumentAsync(host);
        var scene = await ManagementScene.CreateAsync(host);
        var authorization = new AuthenticationHeaderValue(
            "Bearer", host.Token(host.Endpoints.SelectMany(e => e.Metadata.GetMetadata<RequiredScope>()?.AnyOf ?? []).Distinct()));
        var body = Encoding.UTF8.GetBytes($$"""{"name":"{{new string('x', 1024 * 1024)}}"}""");
        foreach (var (method, path, _) in Writable(host, document, scene))
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), host.Issuer + "api/v2" + path);
            request.Headers.Authorization = authorization;
            request.Headers.ExpectContinue = true;
            request.Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
            using var response = await host.Vault.Api.Http.SendAsync(request);
            ((int)response.StatusCode).ShouldBe(413, path);
        }
    }

    private static IEnumerable<(string Method, string Path, string Json, HashSet<int> Statuses)> Requests(
        ManagementHost host, JsonObject document, ManagementScene scene)
    {
        foreach (var (method, path, operation) in Writable(host, document, scene))
        {
            var statuses = operation["responses"]!.AsObject().Select(response => int.Parse(response.Key, null)).ToHashSet();
            foreach (var body in Bodies)
            {
                yield return (method, path, body, statuses);
            }

            if (operation["requestBody"]?["content"]?["application/json"] is not { } media)
            {
                continue;
            }

            var isArray = (string?)media["schema"]!["type"] == "array";
            var schema = isArray ? media["schema"]!["items"]! : media["schema"]!;
            var example = (isArray ? media["example"]![0]! : media["example"]!).AsObject();
            foreach (var body in Mutations(schema, example))
            {
                yield return (method, path, isArray ? $"[{body}]" : body, statuses);
            }
        }
    }

    private static IEnumerable<(string Method, string Path, JsonNode Operation)> Writable(ManagementHost host, JsonObject document, ManagementScene scene) =>
        from endpoint in host.Endpoints
        where endpoint.Metadata.GetMetadata<RequiredScope>() is not null
        let method = endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods.Single()
        let route = endpoint.RoutePattern.RawText!
        let operation = document["paths"]![route]![method.ToLowerInvariant()]!
        where operation["requestBody"] is not null || route.EndsWith("/policies", StringComparison.Ordinal) && method == "PUT"
        select (method, scene.Fill(route["/api/v2".Length..]), operation);

    /// <summary>The example with one member, at any depth, made wrong.</summary>
    private static IEnumerable<string> Mutations(JsonNode schema, JsonObject example)
    {
        foreach (var (name, member) in schema["properties"]!.AsObject())
        {
            foreach (var value in Values)
            {
                yield return With(example, name, value);
            }

            if (member!["properties"] is JsonObject)
            {
                foreach (var inner in Mutations(member, []))
                {
                    yield return With(example, name, inner);
                }
            }

            if (member["items"]?["properties"] is JsonObject)
            {
                foreach (var inner in Mutations(member["items"]!, []))
                {
                    yield return With(example, name, $"[{inner}]");
                }
            }
        }
    }

    /// <summary>As text, since what goes in need not be JSON that a parser of ours would take.</summary>
    private static string With(JsonObject example, string name, string value)
    {
        var others = example.Where(member => member.Key != name).Select(member => $"\"{member.Key}\":{member.Value?.ToJsonString() ?? "null"}");
        return $"{{{string.Join(',', others.Append($"\"{name}\":{value}"))}}}";
    }
}
