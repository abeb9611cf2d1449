using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace TokenVault.Server.Http.OpenApi;

/// <summary>
/// The OpenAPI description of the server: the Management API from its routes, and the protocol endpoints, whose form standards and SDKs
/// prescribe, from a file (<c>protocol.json</c>).
/// </summary>
internal static partial class OpenApiDocument
{
    public static JsonObject Build(IEnumerable<RouteEndpoint> endpoints, string issuer)
    {
        var document = Protocol(issuer);
        var paths = document["paths"]!.AsObject();
        var scopes = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var endpoint in endpoints.OrderBy(endpoint => endpoint.RoutePattern.RawText, StringComparer.Ordinal))
        {
            if (endpoint.Metadata.GetMetadata<RequiredScope>() is not { } scope)
            {
                continue;
            }

            scopes.UnionWith(scope.AnyOf);
            var path = endpoint.RoutePattern.RawText!;
            var method = endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods[0];
            var operation = endpoint.Metadata.GetMetadata<Operation>() ?? new Operation($"{method} {path}");
            paths[path] ??= new JsonObject();
            paths[path]![method.ToLowerInvariant()] = new OperationWriter(path, method, scope, operation).ToJson();
        }

        var flows = document["components"]!["securitySchemes"]!["management"]!["flows"]!["clientCredentials"]!;
        flows["scopes"] = new JsonObject([.. scopes.Select(scope => KeyValuePair.Create(scope, (JsonNode?)Described(scope)))]);
        return document;
    }

    private static string Described(string scope) => scope.Replace(':', ' ').Replace('_', ' ');

    private static JsonObject Protocol(string issuer)
    {
        using var resource = typeof(OpenApiDocument).Assembly.GetManifestResourceStream("openapi/protocol.json")!;
        using var reader = new StreamReader(resource);
        return JsonNode.Parse(Issuer().Replace(reader.ReadToEnd(), issuer))!.AsObject();
    }

    [GeneratedRegex("\\{issuer\\}")]
    private static partial Regex Issuer();
}
