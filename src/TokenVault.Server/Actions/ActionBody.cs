using System.Text.Json;
using TokenVault.Server.Http;

namespace TokenVault.Server.Actions;

/// <summary>Reads an action from a request.</summary>
internal static class ActionBody
{
    /// <summary>What only an action has that is code.</summary>
    private static readonly string[] OfCode = ["code", "dependencies", "runtime", "secrets", "modules"];

    public static RemoteAction Blank(string id, DateTimeOffset now) =>
        new() { Id = id, Name = "", Trigger = "", Url = "", CreatedAt = now, UpdatedAt = now };

    /// <summary>This server runs no code of others: what does, stands behind an endpoint.</summary>
    public static ManagementError? CodeRefusal(JsonBody json)
    {
        var member = json is { Error: null, Root.ValueKind: JsonValueKind.Object } ? OfCode.FirstOrDefault(name => json.Root.TryGetProperty(name, out _)) : null;
        return member is null
            ? null
            : ManagementError.InvalidBody("This server does not run the code of actions: run it as a web service of yours, and name that as endpoint.url", member);
    }

    /// <summary>What a body makes of an action.</summary>
    public static RemoteAction Read(BodyReader body, RemoteAction current)
    {
        var isNew = current.Trigger.Length == 0;
        var read = current with { Name = body.RequiredText("name", current.Name, 255) };
        if (body.IsNull("supported_triggers") || (isNew && !body.Has("supported_triggers")))
        {
            body.Refuse("Missing required property: supported_triggers", "supported_triggers");
        }

        var triggers = body.Objects("supported_triggers", [current.Trigger], 1, ReadTrigger);
        if (triggers.Count != 1)
        {
            body.Refuse("An action has one trigger", "supported_triggers");
        }
        else if (!isNew && triggers[0] != current.Trigger)
        {
            body.Refuse("The trigger of an action cannot be changed", "supported_triggers");
        }

        if (body.IsNull("endpoint") || (isNew && !body.Has("endpoint")))
        {
            body.Refuse("Missing required property: endpoint", "endpoint");
        }

        read = body.Nested("endpoint", read, read, endpoint => ReadEndpoint(endpoint, read)) with { Trigger = triggers.Count == 1 ? triggers[0] : current.Trigger };
        if (read is { Trigger: ActionTrigger.CustomTokenExchange, FailsOpen: true })
        {
            body.Refuse("Without an answer nobody knows whose the token is: only \"closed\" is possible", "endpoint.failure");
        }

        return read;
    }

    private static string ReadTrigger(BodyReader trigger)
    {
        var id = trigger.RequiredText("id", "", 64, id => ActionTrigger.All.Contains(id) ? null : "Unknown trigger");
        var version = trigger.Text("version", current: null, 8);
        if (version is not null && version != ActionTrigger.VersionOf(id))
        {
            trigger.Refuse($"The version of this trigger is {ActionTrigger.VersionOf(id)}", "version");
        }

        return id;
    }

    private static RemoteAction ReadEndpoint(BodyReader endpoint, RemoteAction current) => current with
    {
        Url = endpoint.RequiredText("url", current.Url, WebUri.LongestUri, url => WebUri.IsAcceptable(url, out var problem) ? null : problem),
        Timeout = endpoint.Number("timeout_ms", current.Timeout, RemoteAction.DefaultTimeout, RemoteAction.ShortestTimeout, RemoteAction.LongestTimeout),
        FailsOpen = endpoint.OneOf("failure", current.FailsOpen ? "open" : "closed", "closed", "closed", "open") == "open",
    };
}
