using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;
using TokenVault.Testing;
using TokenVault.Tests.Flows.Factors;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Flows.Actions;

/// <summary>A server whose triggers have actions, an operator's web service, and everybody who can ask for a token.</summary>
public sealed class ActionScene : FactorScene
{
    internal const string PostLogin = "post-login";
    internal const string TokenExchange = "token-exchange";
    internal const string Custom = "custom-token-exchange";

    internal ActionReceiver Receiver { get; private set; } = null!;

    /// <summary>A connection whose provider narrows tokens.</summary>
    internal const string Narrowing = "narrowing";

    private protected override SandboxOptions ProviderOptions => FakeProvider.Defaults() with { Rotation = SandboxRotation.Stable, Downscopes = true };

    public override async Task InitializeAsync()
    {
        await base.InitializeAsync();
        Receiver = await ActionReceiver.StartAsync();
        var options = Provider.OidcOptions([.. CalendarScopes, "calendar.write"]);
        (options["rotation_class"], options["downscope"]) = ("stable", "refresh");
        await AddConnectionAsync(Narrowing, options: options);
    }

    public override async Task DisposeAsync()
    {
        await Receiver.DisposeAsync();
        await base.DisposeAsync();
    }

    /// <summary>An action that is bound to nothing.</summary>
    internal async Task<TestAction> ActionAsync(string trigger, Func<ActionAsked, ActionReply> answer, string failure = "closed", int timeout = 3000, string? url = null)
    {
        var name = Identifier.Action();
        Receiver.Answer(name, answer);
        var made = await (await AdminAsync()).CreateAsync("actions/actions", new JsonObject
        {
            ["name"] = name,
            ["supported_triggers"] = new JsonArray(new JsonObject { ["id"] = trigger }),
            ["endpoint"] = new JsonObject { ["url"] = url ?? Receiver.Address(name), ["timeout_ms"] = timeout, ["failure"] = failure },
        });
        return new TestAction(this, name, (string)made["id"]!, (string)made["signing_secret"]!);
    }

    /// <summary>Asked from now on, after those that are.</summary>
    internal async Task<BoundActions> BindAsync(string trigger, params TestAction[] actions)
    {
        var answer = await (await AdminAsync()).PatchAsync($"actions/triggers/{trigger}/bindings", Bindings(actions.Select(action => action.Id)));
        answer.Status.ShouldBe(200, answer.Text);
        return new BoundActions(this, trigger);
    }

    internal async Task<(TestAction Action, BoundActions Bound)> BoundAsync(string trigger, Func<ActionAsked, ActionReply> answer, string failure = "closed", int timeout = 3000)
    {
        var action = await ActionAsync(trigger, answer, failure, timeout);
        return (action, await BindAsync(trigger, action));
    }

    internal static JsonObject Bindings(IEnumerable<string> ids) => new()
    {
        ["bindings"] = new JsonArray([.. ids.Select(id => new JsonObject { ["ref"] = new JsonObject { ["type"] = "action_id", ["value"] = id } })]),
    };

    internal static Func<ActionAsked, ActionReply> Always(params string[] commands) => _ => ActionReply.Commands(commands);

    /// <summary>RFC 8693: the application's own token for another one of the same API.</summary>
    internal static async Task<Answer> ImpersonateAsync(TestUser user, string? scope = null) => await user.Application.TokenAsync(new JsonObject
    {
        ["grant_type"] = Wire.TokenExchange,
        ["subject_token"] = user.AccessToken,
        ["subject_token_type"] = Wire.AccessTokenType,
        ["audience"] = Api,
        ["scope"] = scope,
    });

    /// <summary>The application may trade its tokens, in any way.</summary>
    internal async Task MayExchangeAsync(Application app)
    {
        var change = new JsonObject
        {
            ["grant_types"] = new JsonArray(Wire.AuthorizationCode, Wire.RefreshToken, Wire.FederatedExchange, Wire.TokenExchange),
            ["token_exchange"] = new JsonObject { ["allow_impersonation"] = true },
        };
        var answer = await (await AdminAsync()).PatchAsync("clients/" + app.Credentials.ClientId, change);
        answer.Status.ShouldBe(200, answer.Text);
    }
}

internal sealed record TestAction(ActionScene Scene, string Name, string Id, string Secret)
{
    public IReadOnlyList<ActionAsked> Asked => Scene.Receiver.AskedOf(Name);
}

/// <summary>Until it is disposed of, the trigger asks these actions.</summary>
internal sealed record BoundActions(ActionScene Scene, string Trigger) : IAsyncDisposable
{
    public async ValueTask DisposeAsync() =>
        (await (await Scene.AdminAsync()).PatchAsync($"actions/triggers/{Trigger}/bindings", ActionScene.Bindings([]))).Status.ShouldBe(200);
}
