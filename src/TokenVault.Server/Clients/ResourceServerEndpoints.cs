using TokenVault.Server.Http;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Clients;

/// <summary><c>/api/v2/resource-servers</c>: APIs, by id or by their percent-encoded identifier.</summary>
internal sealed class ResourceServerEndpoints(ManagementRecords records)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapManagement("GET", "/resource-servers", "read:resource_servers", ListAsync).Describe(ClientDocs.Api.List);
        routes.MapManagement("POST", "/resource-servers", "create:resource_servers", CreateAsync).Describe(ClientDocs.Api.Create);
        routes.MapManagement("GET", "/resource-servers/{id}", "read:resource_servers", GetAsync).Describe(ClientDocs.Api.Get);
        routes.MapManagement("PATCH", "/resource-servers/{id}", "update:resource_servers", UpdateAsync).Describe(ClientDocs.Api.Update);
        routes.MapManagement("DELETE", "/resource-servers/{id}", "delete:resource_servers", DeleteAsync).Describe(ClientDocs.Api.Delete);
    }

    private Task<ManagementAnswer> ListAsync(ManagementRequest request)
    {
        // The setup tool patches the first API it is shown: the filter must be exact, under either of its names.
        string[] identifiers = [.. request.Query.Texts("identifiers"), .. request.Query.Texts("identifier")];
        return records.ListAsync(request, new ManagementList<ResourceServer>("resource_servers", ResourceServerView.Of)
        {
            Where = request.Query.Has("identifier") || request.Query.Has("identifiers") || identifiers.Length > 0
                ? api => identifiers.Contains(api.Identifier, StringComparer.Ordinal)
                : null,
            FilterText = string.Join(' ', identifiers),
        });
    }

    private async Task<ManagementAnswer> GetAsync(ManagementRequest request)
    {
        var fields = FieldFilter.Read(request.Query);
        if (request.Query.Refused(out var error))
        {
            return error;
        }

        return await FindAsync(request) is { } api ? ManagementAnswer.Ok(fields.Apply(ResourceServerView.Of(api))).Tagged(api.Version) : Missing;
    }

    private async Task<ManagementAnswer> CreateAsync(ManagementRequest request)
    {
        var body = await request.BodyAsync();
        var api = ResourceServerBody.Read(body, new ResourceServer { Id = Identifier.ResourceServer(), Name = "", Identifier = "" });
        if (body.Refused(out var error))
        {
            return error;
        }

        return await records.WriteAsync(request, "Create a resource server", () => Task.FromResult(
            new PendingWrite(new Batch().Insert(api), ManagementAnswer.Created(ResourceServerView.Of(api)))
            {
                Target = api.Id,
                Duplicate = "A resource server with the same identifier already exists.",
            }));
    }

    private async Task<ManagementAnswer> UpdateAsync(ManagementRequest request)
    {
        var json = await request.ReadJsonAsync();
        return await records.WriteAsync(request, "Update a resource server", async () =>
        {
            if (await FindAsync(request) is not { } current)
            {
                return Missing;
            }

            var body = BodyReader.OfObject(json);
            var api = ResourceServerBody.Read(body, current);
            if (body.Refused(out var error))
            {
                return error;
            }

            return new PendingWrite(new Batch().Replace(api), ManagementAnswer.Ok(ResourceServerView.Of(api)))
            {
                Target = api.Id,
                Replaced = current.Version,
            };
        });
    }

    private Task<ManagementAnswer> DeleteAsync(ManagementRequest request) =>
        records.WriteAsync(request, "Delete a resource server", async () =>
        {
            if (await FindAsync(request) is not { } api)
            {
                return new PendingWrite(Batch: null, ManagementAnswer.NoContent);
            }

            if (api.IsSystem)
            {
                return ManagementError.NotAllowed("A system API cannot be deleted.");
            }

            // Grants for an API that comes back under the same name must not come back with it.
            var batch = new Batch().Delete(api).DeleteIndexed(ClientGrant.AudienceIndex, api.Identifier);
            return new PendingWrite(batch, ManagementAnswer.NoContent) { Target = api.Id, Replaced = api.Version };
        });

    private static ManagementError Missing => ManagementError.Inexistent("resource_server");

    private async ValueTask<ResourceServer?> FindAsync(ManagementRequest request)
    {
        var id = request.Path("id");
        return await records.Storage.FindAsync<ResourceServer>(id, request.Cancellation)
            ?? await records.Storage.FindByKeyAsync<ResourceServer>("identifier", id, request.Cancellation);
    }
}
