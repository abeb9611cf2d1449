using System.Text.Json.Nodes;
using TokenVault.Server.Http;
using TokenVault.Server.Http.OpenApi;

namespace TokenVault.Server.Actions;

/// <summary>What the API reference says of actions.</summary>
internal static class ActionDocs
{
    private static readonly DateTimeOffset At = new(2026, 11, 21, 9, 30, 0, TimeSpan.Zero);

    private static readonly RemoteAction Example = new()
    {
        Id = "act_5aB0cD1eF2gH3iJ4",
        Name = "Second factor for people",
        Trigger = ActionTrigger.PostLogin,
        Url = "https://actions.example.com/post-login",
        CreatedAt = At,
        UpdatedAt = At,
        Version = 1,
    };

    private static readonly ActionBinding ExampleBinding = new() { Id = "abn_5aB0cD1eF2gH3iJ4", ActionId = Example.Id, DisplayName = Example.Name, CreatedAt = At };

    public static Noun Action { get; } = new("an action", "actions", "actions", ActionEndpoints.View(Example))
    {
        Fields = false,
        New = body => ActionBody.Read(body, ActionBody.Blank(Example.Id, At)),
        NewExample = new JsonObject
        {
            ["name"] = Example.Name,
            ["supported_triggers"] = new JsonArray(new JsonObject { ["id"] = ActionTrigger.PostLogin, ["version"] = "v3" }),
            ["endpoint"] = new JsonObject { ["url"] = Example.Url, ["timeout_ms"] = RemoteAction.DefaultTimeout, ["failure"] = "closed" },
        },
        Shown = ActionEndpoints.View(Example).With("signing_secret", "whsec_…"),
        Change = body => ActionBody.Read(body, Example),
        ChangeExample = new JsonObject { ["endpoint"] = new JsonObject { ["failure"] = "open" } },
    };

    public static Operation List { get; } = new("List actions")
    {
        Query = [("triggerId", "Those of this trigger."), ("actionName", "The one with this name."), ("page", "From 0 on."), ("per_page", "Up to 100.")],
        Answer = new JsonObject { ["actions"] = new JsonArray(ActionEndpoints.View(Example)), ["total"] = 1, ["page"] = 0, ["per_page"] = 50 },
    };

    public static Operation Bindings { get; } = new("List the actions of a trigger")
    {
        Description = "In the order in which they are asked.",
        Answer = new JsonObject { ["bindings"] = BindingExample(), ["total"] = 1, ["page"] = 0, ["per_page"] = 10 },
    };

    public static Operation Bind { get; } = new("Set the actions of a trigger")
    {
        Description = "All of them, in the order in which they are to be asked.",
        Body = body => BindingEndpoints.Read(body),
        BodyExample = new JsonObject
        {
            ["bindings"] = new JsonArray(new JsonObject
            {
                ["ref"] = new JsonObject { ["type"] = "action_id", ["value"] = Example.Id },
                ["display_name"] = Example.Name,
            }),
        },
        Answer = new JsonObject { ["bindings"] = BindingExample() },
        Refusals = [409],
    };

    private static JsonArray BindingExample() => new(BindingEndpoints.View(ActionTrigger.PostLogin, ExampleBinding, Example));
}
