using System.Text.Json.Nodes;
using TokenVault.Server.Http;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Actions;

/// <summary><c>/api/v2/actions/triggers/{trigger}/bindings</c>: which actions a trigger asks, and in which order.</summary>
internal sealed class BindingEndpoints(ManagementRecords records, TimeProvider time)
{
    private const string Path = "/actions/triggers/{trigger}/bindings";
    private const int MostBindings = 10;

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapManagement("GET", Path, "read:actions", ListAsync).Describe(ActionDocs.Bindings);
        routes.MapManagement("PATCH", Path, "update:actions", ReplaceAsync).Describe(ActionDocs.Bind);
    }

    public static JsonObject View(string trigger, ActionBinding binding, RemoteAction? action) => new JsonObject
    {
        ["id"] = binding.Id,
        ["trigger_id"] = trigger,
        ["display_name"] = binding.DisplayName,
        ["created_at"] = WireJson.Date(binding.CreatedAt),
    }.With("action", action is null ? null : ActionEndpoints.View(action));

    public static IReadOnlyList<BindingWish> Read(BodyReader body)
    {
        if (body.IsNull("bindings") || !body.Has("bindings"))
        {
            body.Refuse("Missing required property: bindings", "bindings");
        }

        return body.Objects("bindings", [], MostBindings, ReadWish);
    }

    private static BindingWish ReadWish(BodyReader binding)
    {
        var wish = new BindingWish("", "", binding.Text("display_name", current: null, 255));
        if (binding.IsNull("ref") || !binding.Has("ref"))
        {
            binding.Refuse("Missing required property: ref", "ref");
        }

        return binding.Nested("ref", wish, wish, reference => wish with
        {
            By = reference.OneOf("type", "action_id", "action_id", "action_id", "action_name"),
            Value = reference.RequiredText("value", "", 255),
        });
    }

    private static ManagementError? TriggerRefusal(ManagementRequest request) =>
        ActionTrigger.Bindable.Contains(request.Path("trigger")) ? null
        : request.Path("trigger") == ActionTrigger.CustomTokenExchange
            ? ManagementError.NotAllowed("The actions of this trigger are named by token exchange profiles, as action_id.")
            : ManagementError.Inexistent("trigger");

    private async Task<ManagementAnswer> ListAsync(ManagementRequest request)
    {
        if (TriggerRefusal(request) is { } refused)
        {
            return refused;
        }

        var current = await FindAsync(request);
        return ManagementAnswer.Ok(new JsonObject
        {
            ["bindings"] = await ViewAsync(current, request.Cancellation),
            ["total"] = current.Bindings.Count,
            ["page"] = 0,
            ["per_page"] = MostBindings,
        });
    }

    private async Task<ManagementAnswer> ReplaceAsync(ManagementRequest request)
    {
        var json = await request.ReadJsonAsync();
        return await records.WriteAsync(request, "Update trigger bindings", async () =>
        {
            if (TriggerRefusal(request) is { } refused)
            {
                return refused;
            }

            var body = BodyReader.OfObject(json);
            var wishes = Read(body);
            if (body.Refused(out var error))
            {
                return error;
            }

            var current = await FindAsync(request);
            var (batch, bindings) = (new Batch(), new List<ActionBinding>());
            foreach (var wish in wishes)
            {
                if (await FindAsync(wish, request.Cancellation) is not { } action || action.Trigger != current.Id)
                {
                    return ManagementError.InvalidBody($"There is no action for this trigger: {OAuthError.Shown(wish.Value)}", "bindings");
                }

                if (bindings.Exists(binding => binding.ActionId == action.Id))
                {
                    return ManagementError.InvalidBody("An action is bound once", "bindings");
                }

                batch.Require(action);
                bindings.Add(Bound(current, action, wish));
            }

            var next = current with { Bindings = bindings };
            batch = current.Version == 0 ? batch.Insert(next) : batch.Replace(next);
            var answer = new JsonObject { ["bindings"] = await ViewAsync(next, request.Cancellation) };
            return new PendingWrite(batch, ManagementAnswer.Ok(answer)) { Target = current.Id };
        });
    }

    /// <summary>One that stays keeps its id.</summary>
    private ActionBinding Bound(ActionBindings current, RemoteAction action, BindingWish wish)
    {
        var kept = current.Bindings.FirstOrDefault(binding => binding.ActionId == action.Id);
        return (kept ?? new ActionBinding { Id = Identifier.ActionBinding(), ActionId = action.Id, DisplayName = action.Name, CreatedAt = time.GetUtcNow() }) with
        {
            DisplayName = wish.DisplayName ?? action.Name,
        };
    }

    private async ValueTask<JsonArray> ViewAsync(ActionBindings bindings, CancellationToken cancellationToken)
    {
        var views = new JsonArray();
        foreach (var binding in bindings.Bindings)
        {
            views.Add((JsonNode)View(bindings.Id, binding, await records.Storage.FindAsync<RemoteAction>(binding.ActionId, cancellationToken)));
        }

        return views;
    }

    private async ValueTask<ActionBindings> FindAsync(ManagementRequest request) =>
        await records.Storage.FindAsync<ActionBindings>(request.Path("trigger"), request.Cancellation) ?? new ActionBindings { Id = request.Path("trigger") };

    private ValueTask<RemoteAction?> FindAsync(BindingWish wish, CancellationToken cancellationToken) => wish.By == "action_name"
        ? records.Storage.FindByKeyAsync<RemoteAction>("name", wish.Value, cancellationToken)
        : records.Storage.FindAsync<RemoteAction>(wish.Value, cancellationToken);
}

/// <param name="By"><c>action_id</c> or <c>action_name</c>.</param>
/// <param name="DisplayName">Null: the action's name.</param>
internal sealed record BindingWish(string By, string Value, string? DisplayName);
