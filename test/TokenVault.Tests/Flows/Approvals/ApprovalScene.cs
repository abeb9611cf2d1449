using System.Text.Json.Nodes;
using TokenVault.Server.Approvals;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Tests.Flows.Workers;

namespace TokenVault.Tests.Flows.Approvals;

/// <summary>A vault whose application may ask users for approval.</summary>
public class ApprovalScene : WorkerScene
{
    internal const string Backchannel = "bc-authorize";
    internal const string Scopes = "openid offline_access read:calendar";

    internal static Dictionary<string, string> Allow { get; } = new() { ["action"] = "allow" };

    internal static Dictionary<string, string> Deny { get; } = new() { ["action"] = "deny" };

    /// <summary>Tests ask more often than people may be asked.</summary>
    private protected override IReadOnlyDictionary<string, string?>? Settings => new Dictionary<string, string?> { ["TokenVault:Approvals:RequestsPerMinute"] = "0" };

    public override async Task InitializeAsync()
    {
        await base.InitializeAsync();
        await PatchClientAsync(new JsonObject
        {
            ["grant_types"] = new JsonArray(Wire.AuthorizationCode, Wire.RefreshToken, Wire.FederatedExchange, Wire.Ciba),
        });
    }

    internal async Task PatchClientAsync(JsonObject change)
    {
        var answer = await (await AdminAsync()).PatchAsync("clients/" + App.Credentials.ClientId, change);
        answer.Status.ShouldBe(200, answer.Text);
    }

    /// <summary>What Auth0's SDKs send as <c>login_hint</c>.</summary>
    internal string Hint(string userId) => new JsonObject { ["format"] = "iss_sub", ["iss"] = Vault.Issuer, ["sub"] = userId }.ToJsonString();

    internal Dictionary<string, string> Form(string userId, params (string Name, string? Value)[] changes)
    {
        var form = new Dictionary<string, string>
        {
            ["client_id"] = App.Credentials.ClientId,
            ["client_secret"] = App.Credentials.ClientSecret,
            ["scope"] = Scopes,
            ["audience"] = Api,
            ["binding_message"] = "Order 17: 2 books",
            ["login_hint"] = Hint(userId),
        };
        foreach (var (name, value) in changes)
        {
            form.Remove(name);
            if (value is not null)
            {
                form[name] = value;
            }
        }

        return form;
    }

    internal Task<Answer> AskAsync(string userId, params (string Name, string? Value)[] changes) => Vault.Api.FormAsync(Backchannel, Form(userId, changes));

    internal async Task<Asked> AskedAsync(string userId, params (string Name, string? Value)[] changes)
    {
        var answer = await AskAsync(userId, changes);
        answer.Status.ShouldBe(200, answer.Text);
        return new Asked(answer["auth_req_id"]!, answer["approval_uri"]!);
    }

    internal Dictionary<string, string> PollForm(string authReqId) => new()
    {
        ["client_id"] = App.Credentials.ClientId,
        ["client_secret"] = App.Credentials.ClientSecret,
        ["grant_type"] = Wire.Ciba,
        ["auth_req_id"] = authReqId,
    };

    internal Task<Answer> PollAsync(string authReqId) => Vault.Api.FormAsync("oauth/token", PollForm(authReqId));

    internal async Task<Answer> PollAsync(string authReqId, int status, string error)
    {
        var answer = await PollAsync(authReqId);
        answer.Status.ShouldBe(status, answer.Text);
        answer["error"].ShouldBe(error, answer.Text);
        answer.ContentHeaders.ContentType!.ToString().ShouldBe("application/json");
        answer.Headers.WwwAuthenticate.ShouldBeEmpty();
        return answer;
    }

    internal static async Task<Visit> AnswerAsync(Browser browser, string uri, Dictionary<string, string> answer)
    {
        var page = await browser.GoAsync(uri);
        page.Status.ShouldBe(200, page.Html);
        return await browser.SubmitAsync(page, answer);
    }

    internal static async Task ApproveAsync(Browser browser, string uri) => (await AnswerAsync(browser, uri, Allow)).Html.ShouldContain("<h1>Approved</h1>");

    internal static async Task DenyAsync(Browser browser, string uri) => (await AnswerAsync(browser, uri, Deny)).Html.ShouldContain("<h1>Denied</h1>");

    /// <summary>The row behind a link.</summary>
    internal async Task<Approval?> RowAsync(string uri) => await Storage.FindAsync<Approval>(uri[(uri.LastIndexOf('/') + 1)..], CancellationToken.None);

    /// <summary>A connection whose tokens leave only with an approval.</summary>
    internal async Task<string> AddGuardedConnectionAsync(JsonObject approval, params Credentials[] more)
    {
        var name = Identifier.ConnectedAccount().ToLowerInvariant().Replace('_', '-');
        var connection = await AddConnectionAsync(name, more: more);
        await GuardAsync((string)connection["id"]!, approval);
        return name;
    }

    internal async Task GuardAsync(string connectionId, JsonObject? approval)
    {
        var change = new JsonObject { ["connected_accounts"] = new JsonObject { ["active"] = true, ["approval"] = approval } };
        var answer = await (await AdminAsync()).PatchAsync("connections/" + connectionId, change);
        answer.Status.ShouldBe(200, answer.Text);
    }
}

/// <param name="Uri">Where the user answers.</param>
internal sealed record Asked(string Id, string Uri);
