using TokenVault.Server.Accounts;
using TokenVault.Server.Audit;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Tokensets;
using TokenVault.Testing;
using TokenVault.Tests.Keys;

namespace TokenVault.Tests.Flows.Vault;

/// <summary>A connection with more accounts than one commit takes.</summary>
public sealed class ManyAccountsTests(VaultScene scene) : IClassFixture<VaultScene>
{
    private const int Accounts = 450;

    [Fact]
    public async Task T_UP_15_All_accounts_of_a_deleted_connection_are_given_up_each_with_its_revocation()
    {
        var (id, accounts) = await CrowdedConnectionAsync();
        (await (await scene.AdminAsync()).DeleteAsync("connections/" + id)).Status.ShouldBe(204);

        foreach (var kind in (string[])[ConnectedAccount.Kind, Tokenset.Kind])
        {
            (await scene.Storage.CountAsync(new ListQuery(kind) { Index = EntityKey.Index("connection", id) }, default)).ShouldBe(0);
        }

        var revocations = await scene.Storage.ListAllAsync<PendingRevocation>(index: null, default);
        revocations.Where(revocation => revocation.Connection.Id == id).Select(revocation => revocation.AccountId).ShouldBe(accounts, ignoreOrder: true);
        var told = await scene.AuditAsync(AuditType.ConnectedAccountDeleted);
        told.Where(row => (string?)row["connection_id"] == id).Select(row => (string)row["details"]!["connected_account"]!["id"]!)
            .ShouldBeSubsetOf(accounts);
    }

    [Fact]
    public async Task A_deletion_that_expects_another_version_takes_no_account_along()
    {
        var (id, accounts) = await CrowdedConnectionAsync();
        using var request = new HttpRequestMessage(HttpMethod.Delete, $"{scene.Vault.Issuer}api/v2/connections/{id}");
        request.Headers.Authorization = new("Bearer", (await scene.AdminAsync()).Token);
        request.Headers.IfMatch.Add(new("\"0\""));
        using var response = await scene.Vault.Api.Http.SendAsync(request);

        ((int)response.StatusCode).ShouldBe(412);
        (await scene.Storage.CountAsync(new ListQuery(ConnectedAccount.Kind) { Index = EntityKey.Index("connection", id) }, default)).ShouldBe(accounts.Count);
    }

    private async Task<(string Id, List<string> Accounts)> CrowdedConnectionAsync()
    {
        await using var provider = await FakeProvider.StartAsync(FakeProvider.Defaults(), scene.Clock);
        var name = "crowded-" + Identifier.Secret().ToLowerInvariant().Replace('_', '-');
        await scene.AddConnectionAsync(name, "oauth2", provider.OAuth2Options(VaultScene.CalendarScopes));
        var connection = (await scene.Storage.FindByKeyAsync<Server.Connections.Connection>("name", name, default)).ShouldNotBeNull();
        var store = new SealedStore(scene.Storage, scene.Vault.Service<KeyRing>(), scene.Clock);
        var tokensets = Enumerable.Range(0, Accounts).Select(i => store.Tokenset($"auth0|{i}", connection.Id, name)).ToList();
        await store.InsertAsync(tokensets);
        await store.InsertAsync(tokensets.Select(tokenset => new ConnectedAccount
        {
            Id = tokenset.AccountId,
            UserId = tokenset.UserId,
            ConnectionId = connection.Id,
            Connection = name,
            Strategy = connection.Strategy,
            TokensetId = tokenset.Id,
        }));
        return (connection.Id, tokensets.ConvertAll(tokenset => tokenset.AccountId));
    }
}
