using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Routing;
using TokenVault.Server.Http;
using TokenVault.Server.Http.OpenApi;

namespace TokenVault.Tests.Management;

public sealed partial class OpenApiTests
{
    /// <summary>Steps of a browser's way that nobody calls by hand.</summary>
    private static readonly string[] Pages =
        ["/authorize/resume", "/u/login", "/u/login/connection", "/u/consent", "/u/mfa", "/u/mfa/enroll", "/u/mfa/recovery", "/connected-accounts/connect", "/login/callback/{connection}",
        "/activate", "/activate/consent", "/approvals", "/approvals/{id}", "/u/approval"];

    [Fact]
    public async Task Every_route_with_its_method_is_in_the_document_and_nothing_else()
    {
        var host = await ManagementHost.SharedAsync();
        var routes = host.Vault.Service<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(endpoint => !endpoint.RoutePattern.RawText!.Contains("{**", StringComparison.Ordinal))
            .Where(endpoint => !Pages.Contains(endpoint.RoutePattern.RawText))
            .SelectMany(endpoint => endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods.Select(method => $"{method} {endpoint.RoutePattern.RawText}"));
        var document = await DocumentAsync(host);

        Operations(document).Select(operation => $"{operation.Method} {operation.Path}").Order().ShouldBe(routes.Distinct().Order());
        Operations(document).Select(operation => (string)operation.Json["operationId"]!).ShouldBeUnique();
    }

    [Fact]
    public async Task Every_management_operation_is_described_with_its_scope_an_example_and_its_answers()
    {
        var host = await ManagementHost.SharedAsync();
        var document = await DocumentAsync(host);
        foreach (var endpoint in host.Endpoints.Where(endpoint => endpoint.Metadata.GetMetadata<RequiredScope>() is not null))
        {
            var path = endpoint.RoutePattern.RawText!;
            var method = endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods.Single();
            var operation = document["paths"]![path]![method.ToLowerInvariant()]!;
            var name = $"{method} {path}";
            endpoint.Metadata.GetMetadata<Operation>().ShouldNotBeNull($"{name} has no description: chain Describe to its MapManagement.");
            operation["security"]!.AsArray().Select(any => (string)any!["management"]![0]!)
                .ShouldBe(endpoint.Metadata.GetMetadata<RequiredScope>()!.AnyOf, name);
            operation["responses"]!.AsObject().Select(response => response.Key).ShouldContain("403", name);
            if (operation["requestBody"] is { } body)
            {
                var media = body["content"]!["application/json"]!;
                Problems(media["schema"]!, media["example"]!, name).ShouldBeEmpty();
            }
        }
    }

    [Fact]
    public async Task Every_reference_in_the_document_leads_somewhere_and_no_placeholder_is_left()
    {
        var host = await ManagementHost.SharedAsync();
        var document = await DocumentAsync(host);
        document.ToJsonString().ShouldNotContain("{issuer}");
        foreach (Match reference in Reference().Matches(document.ToJsonString()))
        {
            JsonNode? at = document;
            foreach (var step in reference.Groups[1].Value.Split('/'))
            {
                at = at?[step];
            }

            at.ShouldNotBeNull(reference.Value);
        }
    }

    [Fact]
    public async Task What_the_server_answers_is_what_the_document_says()
    {
        await using var host = await ManagementHost.StartAsync();
        var document = await DocumentAsync(host);
        var made = await ManagementScene.CreateAsync(host);
        var problems = new List<string>();
        foreach (var endpoint in host.Endpoints.Where(e => e.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods is ["GET"]))
        {
            if (endpoint.Metadata.GetMetadata<RequiredScope>() is null)
            {
                continue;
            }

            var route = endpoint.RoutePattern.RawText!;
            foreach (var query in (string[])["", "?include_totals=true", "?take=5"])
            {
                var path = made.Fill(route["/api/v2".Length..]) + query;
                var reply = await host.SendAsync("GET", path + made.QueryFor(route, query));
                reply.Status.ShouldBe(200, path);
                var schema = document["paths"]![route]!["get"]!["responses"]!["200"]!["content"]!["application/json"]!["schema"]!;
                problems.AddRange(Problems(schema, reply.Body!, path));
            }
        }

        problems.ShouldBeEmpty();
    }

    [Fact]
    public async Task The_page_shows_every_operation_without_a_script_or_anything_from_elsewhere()
    {
        var host = await ManagementHost.SharedAsync();
        using var response = await host.Vault.Api.Http.GetAsync(host.Issuer + ReferenceEndpoints.PagePath[1..]);
        ((int)response.StatusCode).ShouldBe(200);
        var policy = response.Headers.GetValues("Content-Security-Policy").Single();
        policy.ShouldStartWith("default-src 'none';");
        policy.ShouldNotContain("script-src");
        policy.ShouldNotContain("unsafe");

        var html = await response.Content.ReadAsStringAsync();
        html.ShouldNotContain("<script");
        html.ShouldNotMatch("(src|href)=\"(https?:)?//");
        foreach (var style in Regex.Matches(html, "<style>(.*?)</style>", RegexOptions.Singleline).Select(match => match.Groups[1].Value))
        {
            policy.ShouldContain(Convert.ToBase64String(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(style))));
        }

        foreach (var (path, method, json) in Operations(await DocumentAsync(host)))
        {
            html.ShouldContain($"<details id=\"{json["operationId"]}\"><summary><code>{method} {System.Text.Encodings.Web.HtmlEncoder.Default.Encode(path)}</code>");
        }
    }

    internal static async Task<JsonObject> DocumentAsync(ManagementHost host)
    {
        using var response = await host.Vault.Api.Http.GetAsync(host.Issuer + ReferenceEndpoints.DocumentPath[1..]);
        ((int)response.StatusCode, response.Content.Headers.ContentType?.MediaType).ShouldBe((200, "application/json"));
        return JsonNode.Parse(await response.Content.ReadAsStringAsync())!.AsObject();
    }

    private static IEnumerable<(string Path, string Method, JsonObject Json)> Operations(JsonObject document) =>
        from path in document["paths"]!.AsObject()
        from operation in path.Value!.AsObject()
        select (path.Key, operation.Key.ToUpperInvariant(), operation.Value!.AsObject());

    /// <summary>Members and types that the schema does not know.</summary>
    private static IEnumerable<string> Problems(JsonNode schema, JsonNode? value, string place)
    {
        if (schema["anyOf"] is JsonArray forms)
        {
            var all = forms.Select(form => Problems(form!, value, place).ToList()).ToList();
            return all.Exists(problems => problems.Count == 0) ? [] : all[0];
        }

        var types = schema["type"] is JsonArray several ? several.Select(type => (string)type!).ToList() : schema["type"] is { } one ? [(string)one!] : [];
        if (value is null || schema["enum"] is not null || types.Count == 0)
        {
            return [];
        }

        var type = TypeOf(value);
        if (!types.Contains(type) && !(type == "integer" && types.Contains("number")))
        {
            return [$"{place} is {type} and not {string.Join('|', types)}"];
        }

        return value switch
        {
            JsonArray array => array.SelectMany((item, i) => Problems(schema["items"] ?? new JsonObject(), item, $"{place}[{i}]")),
            JsonObject json when schema["properties"] is JsonObject properties => json.SelectMany(member =>
                properties[member.Key] is { } known ? Problems(known, member.Value, $"{place}.{member.Key}") : [$"{place}.{member.Key} is not in the schema"]),
            _ => [],
        };
    }

    private static string TypeOf(JsonNode value) => value.GetValueKind() switch
    {
        JsonValueKind.Object => "object",
        JsonValueKind.Array => "array",
        JsonValueKind.True or JsonValueKind.False => "boolean",
        JsonValueKind.Number => value.ToJsonString().Contains('.', StringComparison.Ordinal) ? "number" : "integer",
        _ => "string",
    };

    [GeneratedRegex("\"\\$ref\":\"#/([^\"]+)\"")]
    private static partial Regex Reference();
}
