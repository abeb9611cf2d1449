using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;
using TokenVault.Testing;
using TokenVault.Tests.Flows.Vault;
using TokenVault.Tests.Flows.Workers;

namespace TokenVault.Tests.Flows.Agents;

/// <summary>Agents with a policy, and a provider that narrows tokens: at <see cref="Narrowing"/> the vault knows of it, at the calendar it does not.</summary>
public sealed class AgentScene : WorkerScene
{
    internal const string Narrowing = "narrowing";
    internal const string Read = "calendar.read";
    internal const string Write = "calendar.write";

    internal static string[] AllScopes { get; } = ["openid", "email", "offline_access", Read, Write];

    private protected override SandboxOptions ProviderOptions => FakeProvider.Defaults() with { Rotation = SandboxRotation.Stable, Downscopes = true };

    public override async Task InitializeAsync()
    {
        await base.InitializeAsync();
        var options = Provider.OidcOptions(AllScopes);
        (options["rotation_class"], options["downscope"]) = ("stable", "refresh");
        await AddConnectionAsync(Narrowing, options: options);
    }

    /// <summary>An application with a policy, enabled at both connections, and its user, who connected both accounts before there was one.</summary>
    internal async Task<(TestUser User, string Client)> AgentAsync(string? policy, params IReadOnlyList<string> connect)
    {
        var app = new Application(Vault.Api, await (await AdminAsync()).CreateApplicationAsync("An agent"));
        foreach (var connection in (string[])[Calendar, Narrowing])
        {
            await EnableAsync(connection, app.Credentials.ClientId);
        }

        var user = await NewUserAsync(app);
        foreach (var connection in connect)
        {
            await user.ConnectAsync(connection);
        }

        await PolicyAsync(app.Credentials.ClientId, policy);
        return (user, app.Credentials.ClientId);
    }

    internal async Task PolicyAsync(string client, string? policy)
    {
        var change = new JsonObject { ["agent_policy"] = policy is null ? null : JsonNode.Parse(policy) };
        var answer = await (await AdminAsync()).PatchAsync("clients/" + client, change);
        answer.Status.ShouldBe(200, answer.Text);
        answer.Json["agent_policy"]?.ToJsonString().ShouldBe(policy);
    }

    /// <summary>The scopes that the provider gave the token.</summary>
    internal IReadOnlyList<string> ScopesOf(Answer answer) => Provider.Sandbox.Engine.CommitOf(answer["access_token"]!)!.Scopes;

    internal static JsonObject Asking(string scope) => new() { ["scope"] = scope };

    internal static void Denied(Answer answer)
    {
        (answer.Status, answer["error"], answer["reason"]).ShouldBe((403, "access_denied", FailureReason.PolicyDenied), answer.Text);
    }
}
