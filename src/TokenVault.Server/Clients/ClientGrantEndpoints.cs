using System.Text.Json.Nodes;
using TokenVault.Server.Http;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Clients;

/// <summary><c>/api/v2/client-grants</c>: which client may ask for which scopes of which API.</summary>
internal sealed class ClientGrantEndpoints(ManagementRecords records)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapManagement("GET", "/client-grants", "read:client_grants", ListAsync).Describe(ClientDocs.Grant.List);
        routes.MapManagement("POST", "/client-grants", "create:client_grants", CreateAsync).Describe(ClientDocs.Grant.Create with { Refusals = [404, 409] });
        routes.MapManagement("GET", "/client-grants/{id}", "read:client_grants", GetAsync).Describe(ClientDocs.Grant.Get);
        routes.MapManagement("PATCH", "/client-grants/{id}", "update:client_grants", UpdateAsync).Describe(ClientDocs.Grant.Update);
        routes.MapManagement("DELETE", "/client-grants/{id}", "delete:client_grants", DeleteAsync).Describe(ClientDocs.Grant.Delete);
    }

    private static ManagementError Missing => ManagementError.Inexistent("client_grant");

    private Task<ManagementAnswer> ListAsync(ManagementRequest request)
    {
        var clientId = request.Query.Text("client_id");
        var audience = request.Query.Text("audience");
        var subjectType = request.Query.Text("subject_type");

        // No grant of this server speaks of organizations or is a default, so asking for those that do, or are, finds none.
        var others = request.Query.Flag("allow_any_organization") == true || request.Query.Text("default_for") is not null;
        return records.ListAsync(request, new ManagementList<ClientGrant>("client_grants", View)
        {
            Index = clientId is not null ? EntityKey.Index(ClientGrant.ClientIndex, clientId)
                : audience is not null ? EntityKey.Index(ClientGrant.AudienceIndex, audience)
                : null,
            Where = clientId is null && audience is null && subjectType is null && !others
                ? null
                : grant => !others && Matches(clientId, grant.ClientId) && Matches(audience, grant.Audience) && Matches(subjectType, grant.SubjectType),
            FilterText = $"{clientId} {subjectType} {others} {audience}",
        });
    }

    private static bool Matches(string? wanted, string value) => wanted is null || string.Equals(wanted, value, StringComparison.Ordinal);

    private async Task<ManagementAnswer> GetAsync(ManagementRequest request) =>
        await FindAsync(request) is { } grant ? ManagementAnswer.Ok(View(grant)).Tagged(grant.Version) : Missing;

    private async Task<ManagementAnswer> CreateAsync(ManagementRequest request)
    {
        var body = await request.BodyAsync();
        var grant = ReadNew(body);
        if (body.Refused(out var error))
        {
            return error;
        }

        return await records.WriteAsync(request, "Create a client grant", async () =>
        {
            if (await records.Storage.FindAsync<Client>(grant.ClientId, request.Cancellation) is not { } client)
            {
                return ManagementError.Inexistent("client");
            }

            if (await FindApiAsync(grant, request) is not { } api)
            {
                return ManagementError.Inexistent("resource_server");
            }

            if (ScopeProblem(grant, api) is { } problem)
            {
                return problem;
            }

            // Neither may go while the grant comes: it would stay behind without an owner.
            return new PendingWrite(new Batch().Require(client).Require(api).Insert(grant), ManagementAnswer.Created(View(grant)))
            {
                Target = grant.Id,
                Duplicate = $"A client grant for '{grant.ClientId}' on '{grant.Audience}' already exists.",
            };
        });
    }

    private async Task<ManagementAnswer> UpdateAsync(ManagementRequest request)
    {
        var json = await request.ReadJsonAsync();
        return await records.WriteAsync(request, "Update a client grant", async () =>
        {
            if (await FindAsync(request) is not { } current)
            {
                return Missing;
            }

            var body = BodyReader.OfObject(json);
            var grant = current with { Scope = ReadScope(body, current.Scope) };
            if (body.Refused(out var error))
            {
                return error;
            }

            if (await FindApiAsync(grant, request) is not { } api)
            {
                return ManagementError.Inexistent("resource_server");
            }

            if (ScopeProblem(grant, api) is { } problem)
            {
                return problem;
            }

            return new PendingWrite(new Batch().Require(api).Replace(grant), ManagementAnswer.Ok(View(grant)))
            {
                Target = grant.Id,
                Replaced = current.Version,
            };
        });
    }

    private Task<ManagementAnswer> DeleteAsync(ManagementRequest request) =>
        records.WriteAsync(request, "Delete a client grant", async () => await FindAsync(request) is { } grant
            ? new PendingWrite(new Batch().Delete(grant), ManagementAnswer.NoContent) { Target = grant.Id, Replaced = grant.Version }
            : new PendingWrite(Batch: null, ManagementAnswer.NoContent));

    public static ClientGrant ReadNew(BodyReader body) => new()
    {
        Id = Identifier.ClientGrant(),
        ClientId = body.RequiredText("client_id", "", 128),
        Audience = body.RequiredText("audience", "", 600),
        SubjectType = body.OneOf("subject_type", "client", "client", "client", "user"),
        Scope = ReadScope(body, []),
    };

    public static IReadOnlyList<string> ReadScope(BodyReader body, IReadOnlyList<string> current)
    {
        body.Fixed("allow_any_organization", "false");
        body.Fixed("allow_all_scopes", "false");
        body.Fixed("organization_usage", "\"deny\"");
        body.Fixed("authorization_details_types", "[]");
        return body.Texts("scope", current, 1000);
    }

    private static ManagementError? ScopeProblem(ClientGrant grant, ResourceServer api)
    {
        var unknown = grant.Scope.Except(api.Scopes.Select(scope => scope.Value), StringComparer.Ordinal).FirstOrDefault();
        return unknown is null ? null : ManagementError.InvalidBody($"The API has no scope {OAuthError.Shown(unknown)}", "scope");
    }

    public static JsonObject View(ClientGrant grant) => new()
    {
        ["id"] = grant.Id,
        ["client_id"] = grant.ClientId,
        ["audience"] = grant.Audience,
        ["scope"] = WireJson.Texts(grant.Scope),
        ["subject_type"] = grant.SubjectType,
    };

    private ValueTask<ClientGrant?> FindAsync(ManagementRequest request) =>
        records.Storage.FindAsync<ClientGrant>(request.Path("id"), request.Cancellation);

    private ValueTask<ResourceServer?> FindApiAsync(ClientGrant grant, ManagementRequest request) =>
        records.Storage.FindByKeyAsync<ResourceServer>("identifier", grant.Audience, request.Cancellation);
}
