using TokenVault.Server.Http;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Actions;

/// <summary>Reads what an action answers, strictly: what is not understood might have been a refusal.</summary>
internal static class ActionAnswer
{
    private const int MostCommands = 20;
    private const int MostScopes = 100;

    /// <returns>Null when it is not an answer.</returns>
    /// <param name="allowed">The commands that mean something in the transaction.</param>
    public static ActionVerdict? Read(byte[] utf8, IReadOnlyList<string> allowed, out string problem)
    {
        var body = BodyReader.OfObject(JsonBody.Parse(utf8));
        if (!body.Has("commands") || body.IsNull("commands"))
        {
            body.Refuse("Missing required property: commands", "commands");
        }

        var commands = body.Objects("commands", [], MostCommands, command => ReadCommand(command, allowed));
        problem = body.Refused(out var error) ? error.Message : "";
        return error is null ? commands.Aggregate(ActionVerdict.None, (all, next) => all.And(next)) : null;
    }

    private static ActionVerdict ReadCommand(BodyReader command, IReadOnlyList<string> allowed)
    {
        var type = command.RequiredText("type", "", 32);
        if (!allowed.Contains(type, StringComparer.Ordinal))
        {
            command.Refuse("Not a command of this trigger", "type");
            return ActionVerdict.None;
        }

        return type switch
        {
            ActionCommand.Deny => new ActionVerdict { IsDenied = true, Reason = command.Text("reason", current: null, 255) },
            ActionCommand.RequireMultiFactor => new ActionVerdict { RequiresMultiFactor = true },
            ActionCommand.RequireApproval => new ActionVerdict { RequiresApproval = true },
            ActionCommand.NarrowScopes => new ActionVerdict { Scopes = ReadScopes(command) },
            ActionCommand.SetClaims => new ActionVerdict { Claims = ReadClaims(command) },
            _ => new ActionVerdict { UserId = command.RequiredText("user_id", "", 255), Actor = ReadActor(command) },
        };
    }

    private static IReadOnlyList<string> ReadScopes(BodyReader command)
    {
        if (!command.Has("scopes") || command.IsNull("scopes"))
        {
            command.Refuse("Missing required property: scopes", "scopes");
        }

        return command.Texts("scopes", [], MostScopes, scope => Scope.IsToken(scope) ? null : "Not a scope");
    }

    private static CustomClaims ReadClaims(BodyReader command) => new()
    {
        IdToken = command.Free("id_token", current: null, CustomClaims.Problem),
        AccessToken = command.Free("access_token", current: null, CustomClaims.Problem),
    };

    private static ActorChain? ReadActor(BodyReader command)
    {
        var actor = command.Free("actor", current: null, json => ActorChain.Read(json) is null ? "Expected a claim act (RFC 8693 section 4.1)" : null);
        return actor is null || command.Failing ? null : ActorChain.Read(actor);
    }
}
