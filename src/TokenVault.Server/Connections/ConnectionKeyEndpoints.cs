using TokenVault.Server.Http;
using TokenVault.Server.Keys;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Connections;

/// <summary><c>/api/v2/connections/{id}/keys</c>: what a connection proves itself to its provider with. The public halves only.</summary>
internal sealed class ConnectionKeyEndpoints(ManagementRecords records, KeyRing ring, ProviderCatalog catalog, TimeProvider time)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapManagement("GET", "/connections/{id}/keys", new RequiredScope("read:connections_keys", "read:connections"), ListAsync).Describe(ConnectionDocs.Keys);
        routes.MapManagement("POST", "/connections/{id}/keys", new RequiredScope("create:connections_keys", "update:connections"), CreateAsync).Describe(ConnectionDocs.CreateKeys);
        routes.MapManagement("POST", "/connections/{id}/keys/rotate", new RequiredScope("update:connections_keys", "update:connections"), RotateAsync).Describe(ConnectionDocs.RotateKeys);
    }

    public static string? ReadAlg(BodyReader body) => body.OneOf("signing_alg", "", "", [.. ConnectionKey.Algorithms]) is { Length: > 0 } alg ? alg : null;

    private async Task<ManagementAnswer> ListAsync(ManagementRequest request) => await FindAsync(request) is { } connection
        ? ManagementAnswer.Ok(WireJson.Array(((ConnectionKey?[])[connection.Key, connection.NextKey]).OfType<ConnectionKey>().Select(key => key.View())))
        : ManagementError.Inexistent("connection");

    /// <summary>Before the connection is told to use them, so that the provider can learn of them first.</summary>
    private Task<ManagementAnswer> CreateAsync(ManagementRequest request) => WriteAsync(request, "Create the keys of a connection", (connection, alg) =>
    {
        if (connection.Key is not null)
        {
            return (ManagementError.Conflict("The connection has keys already: rotate them."), connection);
        }

        return ConnectionBody.AssertionProblem(connection, catalog) is { } problem
            ? (ManagementError.NotAllowed(problem), connection)
            : (null, ConnectionKeys.Created(connection, ring, alg ?? connection.Options.TokenEndpointAuthSigningAlg ?? ConnectionKey.DefaultAlg, time.GetUtcNow()));
    });

    private Task<ManagementAnswer> RotateAsync(ManagementRequest request) => WriteAsync(request, "Rotate the keys of a connection", (connection, alg) =>
    {
        if (connection.Key is not { } current)
        {
            return (ManagementError.Inexistent("key"), connection);
        }

        return alg is not null && alg != current.Alg
            ? (ManagementError.InvalidBody("Another algorithm is set as the connection's token_endpoint_auth_signing_alg", "signing_alg"), connection)
            : (null, ConnectionKeys.Rotated(connection, ring, time.GetUtcNow()));
    });

    private async Task<ManagementAnswer> WriteAsync(
        ManagementRequest request, string description, Func<Connection, string?, (ManagementError? Error, Connection Connection)> change)
    {
        var json = request.HasBody ? await request.ReadJsonAsync() : null;
        return await records.WriteAsync(request, description, async () =>
        {
            if (await FindAsync(request) is not { } connection)
            {
                return ManagementError.Inexistent("connection");
            }

            string? alg = null;
            if (json is not null)
            {
                var body = BodyReader.OfObject(json);
                alg = ReadAlg(body);
                if (body.Refused(out var invalid))
                {
                    return invalid;
                }
            }

            var (error, changed) = change(connection, alg);
            if (error is not null)
            {
                return error;
            }

            return new PendingWrite(new Batch().Replace(changed), ManagementAnswer.Created(WireJson.Array([changed.Key!.View(), changed.NextKey!.View()])))
            {
                Target = connection.Id,
                Replaced = connection.Version,
            };
        });
    }

    private ValueTask<Connection?> FindAsync(ManagementRequest request) =>
        records.Storage.FindAsync<Connection>(request.Path("id"), request.Cancellation);
}
