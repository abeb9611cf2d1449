using System.Text.Json.Nodes;
using TokenVault.Server.Http;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Actions;

/// <summary><c>/api/v2/actions/actions</c>.</summary>
internal sealed class ActionEndpoints(ManagementRecords records, KeyRing ring, TimeProvider time)
{
    private const string Path = "/actions/actions";
    private const int MostActions = 100;
    private const string Duplicate = "An action with this name already exists.";

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapManagement("GET", Path, "read:actions", ListAsync).Describe(ActionDocs.List);
        routes.MapManagement("POST", Path, "create:actions", CreateAsync).Describe(ActionDocs.Action.Create);
        routes.MapManagement("GET", Path + "/{id}", "read:actions", GetAsync).Describe(ActionDocs.Action.Get);
        routes.MapManagement("PATCH", Path + "/{id}", "update:actions", UpdateAsync).Describe(ActionDocs.Action.Update);
        routes.MapManagement("DELETE", Path + "/{id}", "delete:actions", DeleteAsync).Describe(ActionDocs.Action.Delete);
    }

    public static JsonObject View(RemoteAction action) => new()
    {
        ["id"] = action.Id,
        ["name"] = action.Name,
        ["supported_triggers"] = new JsonArray(new JsonObject { ["id"] = action.Trigger, ["version"] = ActionTrigger.VersionOf(action.Trigger) }),
        ["endpoint"] = new JsonObject
        {
            ["url"] = action.Url,
            ["timeout_ms"] = action.Timeout,
            ["failure"] = action.FailsOpen ? "open" : "closed",
        },
        ["status"] = "built",
        ["all_changes_deployed"] = true,
        ["created_at"] = WireJson.Date(action.CreatedAt),
        ["updated_at"] = WireJson.Date(action.UpdatedAt),
    };

    private static ManagementError Missing => ManagementError.Inexistent("action");

    private async Task<ManagementAnswer> ListAsync(ManagementRequest request)
    {
        var query = request.Query;
        var (page, size) = (query.Number("page", 0, 0, 1000), query.Number("per_page", 50, 1, 100));
        var (trigger, name) = (query.Text("triggerId"), query.Text("actionName"));
        if (query.Refused(out var error))
        {
            return error;
        }

        var all = await records.Storage.ListWhereAsync<RemoteAction>(
            index: null, action => (trigger ?? action.Trigger) == action.Trigger && (name ?? action.Name) == action.Name, request.Cancellation);
        return ManagementAnswer.Ok(new JsonObject
        {
            ["actions"] = WireJson.Array(all.Skip(page * size).Take(size).Select(View)),
            ["total"] = all.Count,
            ["page"] = page,
            ["per_page"] = size,
        });
    }

    private async Task<ManagementAnswer> GetAsync(ManagementRequest request) =>
        await FindAsync(request) is { } action ? ManagementAnswer.Ok(View(action)).Tagged(action.Version) : Missing;

    private async Task<ManagementAnswer> CreateAsync(ManagementRequest request)
    {
        var json = await request.ReadJsonAsync();
        var id = Identifier.Action();
        var secret = new Secret("whsec_" + Identifier.Secret());
        return await records.WriteAsync(request, "Create an action", async () =>
        {
            if (ActionBody.CodeRefusal(json) is { } code)
            {
                return code;
            }

            var body = BodyReader.OfObject(json);
            var action = ActionBody.Read(body, ActionBody.Blank(id, time.GetUtcNow())) with { SealedSecret = ring.SealText(secret, RemoteAction.AadOf(id)) };
            if (body.Refused(out var error))
            {
                return error;
            }

            if ((await records.Storage.ListAllAsync<RemoteAction>(index: null, request.Cancellation)).Count >= MostActions)
            {
                return ManagementError.NotAllowed($"There are {MostActions} actions already.");
            }

            // The one time that the signing secret is told.
            var answer = ManagementAnswer.Created(View(action).With("signing_secret", secret.Reveal()));
            return new PendingWrite(new Batch().Insert(action), answer) { Target = id, Duplicate = Duplicate };
        });
    }

    private async Task<ManagementAnswer> UpdateAsync(ManagementRequest request)
    {
        var json = await request.ReadJsonAsync();
        return await records.WriteAsync(request, "Update an action", async () =>
        {
            if (await FindAsync(request) is not { } current)
            {
                return Missing;
            }

            if (ActionBody.CodeRefusal(json) is { } code)
            {
                return code;
            }

            var body = BodyReader.OfObject(json);
            var action = ActionBody.Read(body, current) with { UpdatedAt = time.GetUtcNow() };
            if (body.Refused(out var error))
            {
                return error;
            }

            return new PendingWrite(new Batch().Replace(action), ManagementAnswer.Ok(View(action)))
            {
                Target = action.Id,
                Replaced = current.Version,
                Duplicate = Duplicate,
            };
        });
    }

    /// <summary>One that is bound stays: without it, its trigger would refuse everybody.</summary>
    private Task<ManagementAnswer> DeleteAsync(ManagementRequest request) =>
        records.WriteAsync(request, "Delete an action", async () =>
        {
            if (await FindAsync(request) is not { } action)
            {
                return new PendingWrite(Batch: null, ManagementAnswer.NoContent);
            }

            var batch = new Batch().Delete(action);
            foreach (var bindings in await records.Storage.ListAllAsync<ActionBindings>(index: null, request.Cancellation))
            {
                if (bindings.Bindings.Any(binding => binding.ActionId == action.Id))
                {
                    return ManagementError.Conflict($"The action is bound to {bindings.Id}. Remove it from the bindings first.");
                }

                batch.Require(bindings);
            }

            return new PendingWrite(batch, ManagementAnswer.NoContent) { Target = action.Id, Replaced = action.Version };
        });

    private ValueTask<RemoteAction?> FindAsync(ManagementRequest request) => records.Storage.FindAsync<RemoteAction>(request.Path("id"), request.Cancellation);
}
