using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using TokenVault.Server;
using TokenVault.Server.Connections;
using TokenVault.Server.Storage;
using TokenVault.Tests.Connections.Behaviours;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Connections;

/// <summary>
/// A server for which every provider's host leads to one double, over TLS and under the provider's own name: nothing of the catalogue is
/// changed. One user connects all accounts.
/// </summary>
public sealed class CatalogScene : VaultScene
{
    private readonly string _authority = Path.GetTempFileName();

    internal ProviderDouble Double { get; private set; } = null!;

    internal TestUser User { get; private set; } = null!;

    private protected override IReadOnlyDictionary<string, string?> Settings => new Dictionary<string, string?>
    {
        ["TokenVault:Egress:CertificateAuthorityFile"] = _authority,
    };

    private protected override void AddServices(IServiceCollection services) => services.AddSingleton(provider =>
        new EgressGuard(provider.GetRequiredService<TokenVaultOptions>(), provider.GetRequiredService<TimeProvider>())
        {
            // A public address, so that the guard decides as it would for the real one.
            Resolve = (_, _) => Task.FromResult<IPAddress[]>([IPAddress.Parse("93.184.216.34".AsSpan())]),
            Dial = (_, cancellationToken) => Double.DialAsync(cancellationToken),
        });

    public override async Task InitializeAsync()
    {
        Double = await ProviderDouble.StartAsync(new TokenVault.Testing.VaultClock(), KnownBehaviours.Hosts);
        await File.WriteAllTextAsync(_authority, Double.AuthorityPem);
        await base.InitializeAsync();
        User = await NewUserAsync();
    }

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        await Double.DisposeAsync();
        File.Delete(_authority);
    }

    /// <summary>What an operator enters: strategy, client, scopes, and what completes the addresses.</summary>
    /// <returns>The connection's name.</returns>
    internal async Task<string> AddProviderAsync(Behaviour behaviour, string? name = null)
    {
        Double.Become(behaviour);
        var options = (JsonObject)JsonNode.Parse(behaviour.Options)!;
        options["client_id"] = ProviderDouble.ClientId;
        options["client_secret"] = ProviderDouble.ClientSecret;
        if (behaviour.Asks.Length > 0)
        {
            options["scope"] = new JsonArray([.. behaviour.Asks.Select(scope => (JsonNode)scope)]);
        }

        await AddConnectionAsync(name ?? behaviour.Strategy, behaviour.Strategy, options);
        return name ?? behaviour.Strategy;
    }

    /// <summary>Connects an account, the person's browser and all.</summary>
    internal async Task<string> ConnectAsync(string connection)
    {
        var begun = await User.BeginAsync(new JsonObject { ["connection"] = connection });
        var atProvider = await User.Browser.GoAsync(begun.Link, Double.Behaviour.Authorize);
        atProvider.Url.ShouldStartWith(Double.Behaviour.Authorize);
        var back = await User.Browser.GoAsync(await Double.ApproveAsync(atProvider.Url), Server.Demo.Operator.Callback);
        back["connect_code"].ShouldNotBeNull($"{back["error"]}; {string.Join("; ", Double.Refusals)}; {Vault.Log.Text.Split('\n').LastOrDefault(line => line.Contains("Connect"))}");
        var answer = await User.MyAsync(HttpMethod.Post, Complete, begun.Token, begun.CompleteBody(back["connect_code"]));
        answer.Status.ShouldBe(201, answer.Text);
        return answer["id"]!;
    }

    internal async Task<Server.Tokensets.Tokenset> RowAsync(string accountId) =>
        (await Storage.ListAllAsync<Server.Tokensets.Tokenset>(EntityKey.Index("account", accountId), CancellationToken.None)).ShouldHaveSingleItem();

    /// <summary>Disconnects the account: what came of it at the provider at the first try.</summary>
    internal async Task<Server.Tokensets.PendingRevocation> RevocationAsync(string accountId)
    {
        (await User.MyAsync(HttpMethod.Delete, $"{Accounts}/{accountId}", await User.MyTokenAsync())).Status.ShouldBe(204);
        Server.Tokensets.PendingRevocation? revocation = null;
        await UntilAsync(async () =>
        {
            var all = await Storage.ListAllAsync<Server.Tokensets.PendingRevocation>(Server.Tokensets.PendingRevocation.OfUser(User.Id), CancellationToken.None);
            revocation = all.Find(candidate => candidate.AccountId == accountId);
            return revocation is { Attempts: > 0 };
        });
        return revocation!;
    }

    /// <summary>The access token has ended, at the provider and for the vault.</summary>
    internal async Task ExpireAsync(string accountId)
    {
        Double.Grants.ExpireAccessTokens();
        var row = await RowAsync(accountId);
        (await Storage.CommitAsync(new Batch().Replace(row with { AccessTokenExpiresAt = Clock.GetUtcNow() }))).Committed.ShouldBeTrue();
    }
}
