using System.Text.Json.Nodes;
using TokenVault.Server.Clients;
using TokenVault.Server.Http;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Connections;

/// <summary>Which client may use which connection, from either side.</summary>
internal sealed class ConnectionClientEndpoints(ManagementRecords records, TokenVaultOptions options)
{
    private const int MostChanges = 50;

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapManagement("GET", "/connections/{id}/clients", "read:connections", ListClientsAsync).Describe(ConnectionDocs.Clients);
        routes.MapManagement("PATCH", "/connections/{id}/clients", "update:connections", ChangeClientsAsync).Describe(ConnectionDocs.ChangeClients);
        routes.MapManagement("GET", "/clients/{id}/connections", "read:connections", ListConnectionsAsync).Describe(ConnectionDocs.OfClient(options.Issuer));
    }

    /// <summary>Takes a client that goes off every connection, in the commit that removes it.</summary>
    public async ValueTask RemoveClientAsync(Client client, Batch batch, CancellationToken cancellationToken)
    {
        foreach (var connection in await records.Storage.ListAllAsync<Connection>(index: null, cancellationToken))
        {
            if (connection.IsEnabledFor(client.ClientId))
            {
                var others = connection.EnabledClients.Where(id => !string.Equals(id, client.ClientId, StringComparison.Ordinal));
                batch.Replace(connection with { EnabledClients = [.. others] });
            }
        }
    }

    public static (string ClientId, bool Enable) ReadChange(BodyReader item) => (item.RequiredText("client_id", "", 128), item.RequiredFlag("status"));

    private async Task<ManagementAnswer> ListClientsAsync(ManagementRequest request)
    {
        if (await FindAsync(request) is not { } connection)
        {
            return ManagementError.Inexistent("connection");
        }

        return records.Checkpoint(
            request, "clients", connection.Id, connection.EnabledClients, id => id, id => new JsonObject { ["client_id"] = id });
    }

    private async Task<ManagementAnswer> ListConnectionsAsync(ManagementRequest request)
    {
        var clientId = request.Path("id");
        if (await records.Storage.FindAsync<Client>(clientId, request.Cancellation) is null)
        {
            return ManagementError.Inexistent("client");
        }

        var all = await records.Storage.ListAllAsync<Connection>(index: null, request.Cancellation);
        return records.Checkpoint(
            request, "connections", clientId, all.Where(connection => connection.IsEnabledFor(clientId)),
            connection => connection.Id, connection => ConnectionView.Of(connection, options.Issuer));
    }

    private async Task<ManagementAnswer> ChangeClientsAsync(ManagementRequest request)
    {
        var body = await request.ArrayBodyAsync();
        var changes = body.Items.Select(ReadChange).ToList();
        if (body.Refused(out var error))
        {
            return error;
        }

        if (changes.Count is 0 or > MostChanges)
        {
            return ManagementError.InvalidBody($"Expected 1 to {MostChanges} items");
        }

        return await records.WriteAsync(request, "Update the clients of a connection", async () =>
        {
            if (await FindAsync(request) is not { } connection)
            {
                return ManagementError.Inexistent("connection");
            }

            var batch = new Batch();
            var enabled = connection.EnabledClients.ToList();
            foreach (var (clientId, enable) in changes)
            {
                enabled.Remove(clientId);
                if (!enable)
                {
                    continue;
                }

                if (await records.Storage.FindAsync<Client>(clientId, request.Cancellation) is not { } client)
                {
                    return ManagementError.InvalidBody($"There is no client {OAuthError.Shown(clientId)}", "client_id");
                }

                batch.Require(client);
                enabled.Add(clientId);
            }

            batch.Replace(connection with { EnabledClients = enabled });
            return new PendingWrite(batch, ManagementAnswer.NoContent) { Target = connection.Id, Replaced = connection.Version };
        });
    }

    private ValueTask<Connection?> FindAsync(ManagementRequest request) =>
        records.Storage.FindAsync<Connection>(request.Path("id"), request.Cancellation);
}
