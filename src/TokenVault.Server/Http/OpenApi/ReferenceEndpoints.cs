using System.Text.Json;
using System.Text.Json.Nodes;

namespace TokenVault.Server.Http.OpenApi;

/// <summary>The API reference, open to everybody: the OpenAPI document, and the page that shows it.</summary>
internal sealed class ReferenceEndpoints(EndpointDataSource endpoints, TokenVaultOptions options)
{
    public const string DocumentPath = "/api/v2/openapi.json";

    public const string PagePath = "/docs/api";

    private JsonObject? _document;
    private byte[]? _bytes;
    private Html? _page;

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet(DocumentPath, WriteDocumentAsync);
        routes.MapGet(PagePath, WritePageAsync);
    }

    /// <summary>Built when it is first asked for: by then every route is there.</summary>
    private JsonObject Document => LazyInitializer.EnsureInitialized(
        ref _document, () => OpenApiDocument.Build(endpoints.Endpoints.OfType<RouteEndpoint>(), options.Issuer))!;

    private Task WriteDocumentAsync(HttpContext context)
    {
        var bytes = LazyInitializer.EnsureInitialized(ref _bytes, () => JsonSerializer.SerializeToUtf8Bytes(Document, OpenApiJson.Default.JsonObject))!;
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = bytes.Length;
        return context.Response.Body.WriteAsync(bytes, context.RequestAborted).AsTask();
    }

    private Task WritePageAsync(HttpContext context)
    {
        var body = LazyInitializer.EnsureInitialized(ref _page, () => ReferencePage.Of(Document))!;
        return new Page("API reference", body) { ExtraStyle = ReferencePage.Style }.WriteAsync(context);
    }
}
