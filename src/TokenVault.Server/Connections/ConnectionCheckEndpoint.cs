using System.Text.Json.Nodes;
using TokenVault.Server.Http;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Connections;

/// <summary><c>POST /api/v2/connections/{id}/check</c>: whether the server reaches the connection's provider. It changes nothing.</summary>
internal sealed class ConnectionCheckEndpoint(ManagementRecords records, ProviderProbe probe)
{
    public void Map(IEndpointRouteBuilder routes) =>
        routes.MapManagement("POST", "/connections/{id}/check", "read:connections", CheckAsync).Describe(ConnectionDocs.Check);

    public static JsonObject View(IReadOnlyList<ProbedUrl> probed) => new()
    {
        ["reachable"] = probed.All(url => url.Problem is null),
        ["urls"] = WireJson.Array(probed.Select(url => url.View())),
    };

    private async Task<ManagementAnswer> CheckAsync(ManagementRequest request) =>
        await records.Storage.FindAsync<Connection>(request.Path("id"), request.Cancellation) is { } connection
            ? ManagementAnswer.Ok(View(await probe.RunAsync(connection, request.Cancellation)))
            : ManagementError.Inexistent("connection");
}
