using System.Net;
using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;
using TokenVault.Tests.Flows.Approvals;
using TokenVault.Tests.Needs;
using TokenVault.Tests.Storage;

namespace TokenVault.Tests.Flows.Engines;

/// <summary>What became of a request for approval is in the store: on every engine, through a restart, and once however many redeem it.</summary>
public abstract class ApprovalFlows : ApprovalScene
{
    private protected override IReadOnlyDictionary<string, string?> Settings => new Dictionary<string, string?>
    {
        ["TokenVault:Approvals:RequestsPerMinute"] = "0",
        ["TokenVault:Storage:ConnectionString"] = ConnectionString,
    };

    private protected virtual string? ConnectionString => null;

    /// <summary>Where the other half of the requests go.</summary>
    private protected virtual string OtherNode => Vault.Issuer;

    [Fact]
    public async Task Every_state_survives_a_restart()
    {
        var user = await NewUserAsync();
        var (pending, approved, denied, consumed, expired) = (
            await AskedAsync(user.Id), await AskedAsync(user.Id), await AskedAsync(user.Id), await AskedAsync(user.Id), await AskedAsync(user.Id, ("requested_expiry", "30")));
        await ApproveAsync(user.Browser, approved.Uri);
        await ApproveAsync(user.Browser, consumed.Uri);
        await DenyAsync(user.Browser, denied.Uri);
        (await PollAsync(consumed.Id)).Status.ShouldBe(200);
        Clock.Advance(TimeSpan.FromSeconds(30));
        await Vault.RestartAsync();

        await PollAsync(pending.Id, 400, "authorization_pending");
        await PollAsync(denied.Id, 400, "access_denied");
        await PollAsync(consumed.Id, 400, "invalid_grant");
        await PollAsync(expired.Id, 400, "expired_token");
        (await PollAsync(approved.Id)).Status.ShouldBe(200);
        await ApproveAsync(user.Browser, pending.Uri);
        (await PollAsync(pending.Id)).Status.ShouldBe(200);
    }

    [Fact]
    public async Task Of_many_who_redeem_at_once_on_all_nodes_one_gets_tokens()
    {
        var user = await NewUserAsync();
        for (var round = 0; round < 3; round++)
        {
            var asked = await AskedAsync(user.Id);
            await ApproveAsync(user.Browser, asked.Uri);
            var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => PostAsync(i % 2 == 0 ? Vault.Issuer : OtherNode, PollForm(asked.Id))));
            answers.Count(answer => answer.Status == HttpStatusCode.OK).ShouldBe(1);
            answers.Where(answer => answer.Status != HttpStatusCode.OK).ShouldAllBe(answer => (string?)answer.Json["error"] == "invalid_grant");
        }

        (await AuditAsync("ciba_exchange_succeeded", user.Id)).Count.ShouldBe(3);
    }

    [Fact]
    public async Task An_exchange_that_waits_is_one_request_and_one_token_on_all_nodes()
    {
        var connection = await AddGuardedConnectionAsync(new JsonObject { ["required"] = true });
        var user = await ConnectedUserAsync(connection);
        var form = new Dictionary<string, string>
        {
            ["client_id"] = App.Credentials.ClientId,
            ["client_secret"] = App.Credentials.ClientSecret,
            ["grant_type"] = Wire.FederatedExchange,
            ["subject_token"] = user.RefreshToken,
            ["subject_token_type"] = Wire.RefreshTokenType,
            ["connection"] = connection,
        };
        var pending = await AllAsync(form);
        var ids = pending.Select(answer => (string?)answer.Json["auth_req_id"]).Distinct().ToList();
        ids.ShouldHaveSingleItem().ShouldNotBeNull();

        await Vault.RestartAsync();
        await ApproveAsync(user.Browser, (string)pending[0].Json["approval_uri"]!);
        var answers = await AllAsync(form);
        answers.Count(answer => answer.Status == HttpStatusCode.OK).ShouldBe(1);
        answers.Where(answer => answer.Status != HttpStatusCode.OK).ShouldAllBe(answer => (string?)answer.Json["reason"] == "approval_required");
        (await AuditAsync("seta", user.Id)).ShouldHaveSingleItem();
        (await AuditAsync("approval_requested", user.Id)).Count.ShouldBe(2);
    }

    private async Task<(HttpStatusCode Status, JsonNode Json)[]> AllAsync(Dictionary<string, string> form) =>
        await Task.WhenAll(Enumerable.Range(0, 8).Select(i => PostAsync(i % 2 == 0 ? Vault.Issuer : OtherNode, form)));

    private async Task<(HttpStatusCode Status, JsonNode Json)> PostAsync(string node, Dictionary<string, string> form)
    {
        using var content = new FormUrlEncodedContent(form);
        using var response = await Vault.Api.Http.PostAsync(new Uri(new Uri(node), "oauth/token"), content);
        return (response.StatusCode, JsonNode.Parse(await response.Content.ReadAsStringAsync())!);
    }
}

public sealed class SqliteApprovalFlows : ApprovalFlows;

[NeedsPostgres]
public sealed class PostgresApprovalFlows : ApprovalFlows
{
    private readonly string _address = $"https://localhost:{LoopbackHttp.FreePort()}/";
    private PostgresDatabase _database = null!;
    private Server.TokenVaultServer _node = null!;

    private protected override string ConnectionString => _database.ConnectionString;

    private protected override string OtherNode => _address;

    public override async Task InitializeAsync()
    {
        _database = await PostgresDatabase.CreateAsync();
        await base.InitializeAsync();
        _node = await Vault.StartNodeAsync(_address);
    }

    public override async Task DisposeAsync()
    {
        await _node.DisposeAsync();
        await base.DisposeAsync();
        await _database.DisposeAsync();
    }
}
