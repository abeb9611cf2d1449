using TokenVault.Server.Clients;
using TokenVault.Server.Http;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Connections;

/// <summary><c>/api/v2/connections</c>: providers as this deployment uses them.</summary>
internal sealed class ConnectionEndpoints(
    ManagementRecords records, KeyRing ring, ProviderCatalog catalog, TokenVaultOptions options, TimeProvider time, ConnectionDependents dependents)
{
    private static readonly RequiredScope Read = new("read:connections", "read:connections_options");

    public void Map(IEndpointRouteBuilder routes)
    {
        var noun = ConnectionDocs.Noun(catalog, options.Issuer);
        routes.MapManagement("GET", "/connections", Read, ListAsync).Describe(noun.List);
        routes.MapManagement("POST", "/connections", "create:connections", CreateAsync).Describe(noun.Create);
        routes.MapManagement("GET", "/connections/{id}", Read, GetAsync).Describe(noun.Get);
        routes.MapManagement("PATCH", "/connections/{id}", "update:connections", UpdateAsync).Describe(noun.Update);
        routes.MapManagement("DELETE", "/connections/{id}", "delete:connections", DeleteAsync).Describe(noun.Delete);
    }

    private static ManagementError Missing => ManagementError.Inexistent("connection");

    private Task<ManagementAnswer> ListAsync(ManagementRequest request)
    {
        var strategies = request.Query.Texts("strategy");
        var name = request.Query.Text("name");
        return records.ListAsync(request, new ManagementList<Connection>("connections", View)
        {
            Where = strategies.Count == 0 && name is null
                ? null
                : connection => (strategies.Count == 0 || strategies.Contains(connection.Strategy))
                    && (name is null || string.Equals(name, connection.Name, StringComparison.Ordinal)),
            FilterText = $"{name} {string.Join(' ', strategies)}",
        });
    }

    private async Task<ManagementAnswer> GetAsync(ManagementRequest request)
    {
        var fields = FieldFilter.Read(request.Query);
        if (request.Query.Refused(out var error))
        {
            return error;
        }

        return await FindAsync(request) is { } connection ? ManagementAnswer.Ok(fields.Apply(View(connection))).Tagged(connection.Version) : Missing;
    }

    private async Task<ManagementAnswer> CreateAsync(ManagementRequest request)
    {
        var json = await request.ReadJsonAsync();
        var id = Identifier.Connection();
        return await records.WriteAsync(request, "Create a connection", async () =>
        {
            var draft = new Connection { Id = id, Name = "", Strategy = "", AuthenticationActive = true, CreatedAt = time.GetUtcNow() };
            return await WriteAsync(json, draft, request.Cancellation) switch
            {
                ({ } error, _, _) => error,
                var (_, connection, batch) => new PendingWrite(batch.Insert(connection), ManagementAnswer.Created(View(connection)))
                {
                    Target = id,
                    Duplicate = "A connection with the same name already exists.",
                },
            };
        });
    }

    private async Task<ManagementAnswer> UpdateAsync(ManagementRequest request)
    {
        var json = await request.ReadJsonAsync();
        return await records.WriteAsync(request, "Update a connection", async () =>
        {
            if (await FindAsync(request) is not { } current)
            {
                return Missing;
            }

            return await WriteAsync(json, current, request.Cancellation) switch
            {
                ({ } error, _, _) => error,
                var (_, connection, batch) => new PendingWrite(batch.Replace(connection), ManagementAnswer.Ok(View(connection)))
                {
                    Target = connection.Id,
                    Replaced = current.Version,
                },
            };
        });
    }

    private Task<ManagementAnswer> DeleteAsync(ManagementRequest request) =>
        records.WriteAsync(request, "Delete a connection", async () =>
        {
            if (await FindAsync(request) is not { } connection)
            {
                return new PendingWrite(Batch: null, ManagementAnswer.NoContent);
            }

            if (connection.IsDatabase)
            {
                return ManagementError.NotAllowed("The connection of local users cannot be deleted.");
            }

            // Accounts may go before the connection does.
            if (!request.Expects(connection.Version))
            {
                return ManagementError.PreconditionFailed;
            }

            // Tokens stored for it must not be sent to whoever takes its name next.
            var batch = new Batch().Delete(connection).DeleteIndexed(Connection.OwnerIndex, connection.Id);
            await dependents.RemoveAsync(connection, batch, request.Cancellation);
            return new PendingWrite(batch, ManagementAnswer.NoContent) { Target = connection.Id, Replaced = connection.Version };
        });

    private async Task<(ManagementError? Error, Connection Connection, Batch Batch)> WriteAsync(
        JsonBody json, Connection current, CancellationToken cancellationToken)
    {
        var body = BodyReader.OfObject(json);
        var batch = new Batch();
        var connection = ConnectionBody.Read(
            body, current, catalog, options.Issuer, secret => ConnectionSecret.Seal(ring, current.Id, new Secret(secret)));
        if (body.Refused(out var error))
        {
            return (error, connection, batch);
        }

        // Not even by whoever gives a secret: that may be one of their own, set a moment ago (T-MG-01).
        if (ConnectionOptionsBody.MayLeaveProvider(connection.Options, current.Options, catalog.Find(connection.Strategy))
            && await dependents.HoldTokensAsync(current, cancellationToken))
        {
            return (ManagementError.Conflict(
                "Users have connected accounts through this connection, or are about to, and their tokens go to no other host. Make a connection for that host."), connection, batch);
        }

        // A host that is new to the connection is shown no key that another one trusts.
        var moved = connection.Key is not null && ConnectionOptionsBody.HaveMoved(connection.Options, current.Options);
        connection = ConnectionKeys.Completed(moved ? connection with { Key = null, NextKey = null } : connection, ring, time.GetUtcNow());
        foreach (var clientId in connection.EnabledClients.Except(current.EnabledClients, StringComparer.Ordinal))
        {
            if (await records.Storage.FindAsync<Client>(clientId, cancellationToken) is not { } client)
            {
                return (ManagementError.InvalidBody($"There is no client {OAuthError.Shown(clientId)}", "enabled_clients"), connection, batch);
            }

            batch.Require(client);
        }

        return (null, connection, batch);
    }

    private System.Text.Json.Nodes.JsonObject View(Connection connection) => ConnectionView.Of(connection, options.Issuer);

    private ValueTask<Connection?> FindAsync(ManagementRequest request) =>
        records.Storage.FindAsync<Connection>(request.Path("id"), request.Cancellation);
}
