using TokenVault.Server.Http.OpenApi;

namespace TokenVault.Server.Http;

/// <summary>The one way to put an endpoint under the Management API: none without a scope (T-MG-02).</summary>
internal static class ManagementRoutes
{
    /// <summary>Without the leading slash, as it stands in the audience.</summary>
    public const string BasePath = "api/v2/";

    /// <param name="pattern">Below the base path, with a leading slash: <c>/clients/{id}</c>.</param>
    public static IEndpointConventionBuilder MapManagement(
        this IEndpointRouteBuilder routes, string method, string pattern, string scope, Func<ManagementRequest, Task<ManagementAnswer>> handler) =>
        routes.MapManagement(method, pattern, new RequiredScope(scope), handler);

    /// <param name="pattern">Below the base path, with a leading slash: <c>/clients/{id}</c>.</param>
    public static IEndpointConventionBuilder MapManagement(
        this IEndpointRouteBuilder routes,
        string method,
        string pattern,
        RequiredScope scope,
        Func<ManagementRequest, Task<ManagementAnswer>> handler)
    {
        var gate = routes.ServiceProvider.GetRequiredService<ManagementGate>();
        return routes.MapMethods("/api/v2" + pattern, [method], context => gate.AnswerAsync(context, scope, handler)).WithMetadata(scope);
    }

    /// <summary>What the API reference says of the endpoint.</summary>
    public static void Describe(this IEndpointConventionBuilder endpoint, Operation operation) => endpoint.WithMetadata(operation);

    /// <summary>Everything else below the base path, whatever the method: a 404 in the envelope.</summary>
    public static void MapManagementFallback(this IEndpointRouteBuilder routes) =>
        routes.Map("/api/v2/{**rest}", context => ManagementResponse.WriteAsync(context, ManagementError.NotFound));

    /// <summary>Every scope that an endpoint mapped so far asks for.</summary>
    public static IReadOnlySet<string> ScopesInUse(this IEndpointRouteBuilder routes) =>
        routes.DataSources
            .SelectMany(source => source.Endpoints)
            .SelectMany(endpoint => endpoint.Metadata.GetMetadata<RequiredScope>()?.AnyOf ?? [])
            .ToHashSet(StringComparer.Ordinal);
}
