using System.Text.Json.Nodes;
using TokenVault.Server.Connections;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Tokensets;
using TokenVault.Testing;

namespace TokenVault.Tests.Flows.Vault;

/// <summary>A provider and a connection of one test's own, and one user who is connected there: every call that the provider gets is theirs.</summary>
internal sealed class LoneGrant : IAsyncDisposable
{
    private readonly VaultScene _scene;

    private LoneGrant(VaultScene scene, FakeProvider provider, string connection, TestUser user, JsonNode account)
    {
        _scene = scene;
        Provider = provider;
        Connection = connection;
        User = user;
        AccountId = (string)account["id"]!;
    }

    public FakeProvider Provider { get; }

    /// <summary>The connection's name.</summary>
    public string Connection { get; }

    public TestUser User { get; }

    public string AccountId { get; }

    /// <summary>How often the refresh endpoint was called.</summary>
    public int Calls => Provider.Refresh.Calls;

    /// <param name="rotationClass">What the connection says; null: nothing, so that the provider's class is unknown.</param>
    /// <param name="rotation">What the provider does.</param>
    /// <param name="change">A change of the connection's options.</param>
    public static async Task<LoneGrant> MakeAsync(
        VaultScene scene,
        string? rotationClass = null,
        SandboxRotation rotation = SandboxRotation.SingleUse,
        Action<JsonObject>? change = null)
    {
        var provider = await FakeProvider.StartAsync(FakeProvider.Defaults() with { Rotation = rotation }, scene.Clock);
        var options = provider.OAuth2Options(VaultScene.CalendarScopes);
        if (rotationClass is not null)
        {
            options["rotation_class"] = rotationClass;
        }

        change?.Invoke(options);
        var name = "lone-" + Identifier.ConnectedAccount().ToLowerInvariant().Replace('_', '-');
        await scene.AddConnectionAsync(name, "oauth2", options);
        var user = await scene.NewUserAsync();
        return new LoneGrant(scene, provider, name, user, await user.ConnectAsync(name));
    }

    public Task<Answer> ExchangeAsync() => User.ExchangeAsync(Connection);

    public Task<JsonNode> ReconnectAsync() => User.ConnectAsync(Connection);

    public async Task DisconnectAsync()
    {
        var token = await User.MyTokenAsync();
        (await User.MyAsync(HttpMethod.Delete, $"{VaultScene.Accounts}/{AccountId}", token)).Status.ShouldBe(204);
    }

    public async Task<Tokenset?> FindRowAsync() =>
        (await _scene.Storage.ListAllAsync<Tokenset>(EntityKey.Index("account", AccountId), CancellationToken.None)).SingleOrDefault();

    public async Task<Tokenset> RowAsync() => (await FindRowAsync()).ShouldNotBeNull();

    public async Task<Connection> ConnectionRowAsync() =>
        (await _scene.Storage.FindByKeyAsync<Connection>("name", Connection, CancellationToken.None)).ShouldNotBeNull();

    public async Task<List<PendingRevocation>> RevocationsAsync() =>
        await _scene.Storage.ListAllAsync<PendingRevocation>(PendingRevocation.OfUser(User.Id), CancellationToken.None);

    /// <summary>A refresh whose answer is lost at once, and the loss recorded.</summary>
    public async Task LoseAnswerAsync(Fault? fault = null)
    {
        Provider.Refresh.Next(fault ?? Fault.Cut().AfterCommit());
        (await ExchangeAsync()).Status.ShouldBe(503);
        (await RowAsync()).Attempt!.Left.ShouldBeTrue();
    }

    public ValueTask DisposeAsync() => Provider.DisposeAsync();
}
