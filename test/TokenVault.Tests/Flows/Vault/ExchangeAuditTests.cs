using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using TokenVault.Server.Protocol;
using TokenVault.Testing;

namespace TokenVault.Tests.Flows.Vault;

public sealed class ExchangeAuditTests(VaultScene scene) : IClassFixture<VaultScene>
{
    [Fact]
    public async Task Every_answered_exchange_leaves_one_row_with_the_tokens_thumbprint_and_no_token()
    {
        var user = await scene.NewUserAsync();
        var account = await user.ConnectAsync();
        var answers = new[] { await user.ExchangeAsync(), await user.ExchangeByAccessTokenAsync() };

        var rows = await scene.AuditAsync("seta", user.Id);

        rows.Count.ShouldBe(2);
        foreach (var (answer, row) in answers.Zip(rows))
        {
            var thumbprint = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(answer["access_token"]!)));
            ((string?)row["details"]!["token_thumbprint"]).ShouldBe(thumbprint);
            ((string?)row["details"]!["connected_account_id"]).ShouldBe((string?)account["id"]);
            ((string?)row["details"]!["issued_token_type"]).ShouldBe(answer["issued_token_type"]);
            ((string?)row["connection"]).ShouldBe(VaultScene.Calendar);
            ((string?)row["ip"]).ShouldNotBeNullOrEmpty();
            var text = row.ToJsonString();
            foreach (var secret in (string[])[answer["access_token"]!, user.RefreshToken, user.AccessToken, scene.Provider.Commits[^1].RefreshToken!])
            {
                text.ShouldNotContain(secret);
            }
        }

        ((string?)rows[0]["details"]!["subject_token_type"]).ShouldBe(Wire.RefreshTokenType);
        ((string?)rows[0]["client_id"]).ShouldBe(scene.App.Credentials.ClientId);
        ((string?)rows[1]["details"]!["subject_token_type"]).ShouldBe(Wire.AccessTokenType);
        ((string?)rows[1]["client_id"]).ShouldBe(scene.ApiClient.Credentials.ClientId);
    }

    [Fact]
    public async Task Every_refused_exchange_leaves_one_row_with_its_reason()
    {
        var user = await scene.NewUserAsync();
        await user.ExchangeAsync();
        await user.ConnectAsync();
        await user.ExchangeAsync(more: new JsonObject { ["scope"] = "not.granted" });
        await user.ExchangeAsync("no-such-connection");
        scene.EndAccessTokens();
        scene.Provider.Refresh.Next(Fault.Status(500), Fault.Error(400, "invalid_grant"));
        await user.ExchangeAsync();
        await user.ExchangeAsync();

        var rows = await scene.AuditAsync("feta", user.Id);

        rows.Select(row => (string?)row["details"]!["failure_reason"])
            .ShouldBe(["not_connected", "insufficient_scope", "invalid_request", "temporarily_unavailable", "reauthorization_required"]);
        rows.ShouldAllBe(row => !row.ToJsonString(null).Contains(user.RefreshToken));
        (await scene.AuditAsync("seta", user.Id)).ShouldBeEmpty();

        await scene.App.ExchangeAsync("v1.unknown", Wire.RefreshTokenType, VaultScene.Calendar);
        ((string?)(await scene.AuditAsync("feta"))[^1]["details"]!["failure_reason"]).ShouldBe("invalid_grant");
    }

    [Fact]
    public async Task Tokensets_are_listed_with_their_dates_and_last_used_at_moves_at_most_once_a_day()
    {
        var user = await scene.ConnectedUserAsync();
        var path = $"users/{Uri.EscapeDataString(user.Id)}/federated-connections-tokensets";
        (await ListAsync())["last_used_at"].ShouldBeNull();

        await user.ExchangeAsync();
        await scene.TickUntilAsync(async () => (await ListAsync())["last_used_at"] is not null, TimeSpan.FromMilliseconds(1));
        var first = await ListAsync();
        var members = first.AsObject().Select(member => member.Key).Order(StringComparer.Ordinal);
        members.ShouldBe(["connection", "expires_at", "id", "issued_at", "last_used_at", "scope"]);
        scene.Clock.Advance(TimeSpan.FromMinutes(10));
        await user.ExchangeAsync();
        ((string?)(await ListAsync())["last_used_at"]).ShouldBe((string?)first["last_used_at"]);

        scene.Clock.Jump(TimeSpan.FromDays(1));
        var nextDay = scene.Clock.GetUtcNow().UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", null);
        await user.ExchangeAsync();
        await scene.TickUntilAsync(async () => (string?)(await ListAsync())["last_used_at"] == nextDay, TimeSpan.FromMilliseconds(1));

        async Task<JsonNode> ListAsync()
        {
            var answer = await (await scene.AdminAsync()).GetAsync(path);
            answer.Status.ShouldBe(200, answer.Text);
            answer.Text.ShouldNotContain("sbx_");
            answer.Text.ShouldNotContain("sealed");
            return answer.Json.AsArray().ShouldHaveSingleItem()!;
        }
    }

    [Fact]
    public async Task An_operator_deletes_a_tokenset_and_its_account_goes_with_it()
    {
        var user = await scene.ConnectedUserAsync();
        var other = await scene.ConnectedUserAsync();
        var admin = await scene.AdminAsync();
        string Path(string id, string rest) => $"users/{Uri.EscapeDataString(id)}/{rest}";
        var tokenset = (string)(await admin.GetAsync(Path(user.Id, "federated-connections-tokensets"))).Json[0]!["id"]!;

        (await admin.DeleteAsync(Path(other.Id, "federated-connections-tokensets/" + tokenset))).Status.ShouldBe(404);
        (await user.ExchangeAsync()).Status.ShouldBe(200);
        (await admin.DeleteAsync(Path(user.Id, "federated-connections-tokensets/" + tokenset))).Status.ShouldBe(204);

        (await admin.DeleteAsync(Path(user.Id, "federated-connections-tokensets/" + tokenset))).Status.ShouldBe(404);
        (await admin.GetAsync(Path(user.Id, "federated-connections-tokensets"))).Json.AsArray().ShouldBeEmpty();
        (await admin.GetAsync(Path(user.Id, "connected-accounts"))).Json["connected_accounts"]!.AsArray().ShouldBeEmpty();
        (await user.MyAsync(HttpMethod.Get, VaultScene.Accounts, await user.MyTokenAsync())).Json["accounts"]!.AsArray().ShouldBeEmpty();
        (await user.ExchangeAsync())["reason"].ShouldBe("not_connected");
        (await other.ExchangeAsync()).Status.ShouldBe(200);
        (await admin.GetAsync(Path("auth0|nobody", "federated-connections-tokensets"))).Status.ShouldBe(404);
    }

    [Fact]
    public async Task Connected_accounts_are_listed_in_the_management_apis_form()
    {
        var user = await scene.NewUserAsync();
        var account = await user.ConnectAsync(person: "ada");
        await user.ConnectAsync(person: "grace");
        var admin = await scene.AdminAsync();
        var path = $"users/{Uri.EscapeDataString(user.Id)}/connected-accounts";

        var list = await admin.GetAsync(path);
        var page = await admin.GetAsync(path + "?take=1");

        var listed = list.Json["connected_accounts"]!.AsArray().Single(a => (string?)a!["id"] == (string?)account["id"])!;
        listed.AsObject().Select(m => m.Key).Order(StringComparer.Ordinal)
            .ShouldBe(["access_type", "connection", "connection_id", "created_at", "id", "scopes", "strategy"]);
        ((string?)listed["strategy"]).ShouldBe("oidc");
        ((string)listed["connection_id"]!).ShouldStartWith("con_");
        page.Json["connected_accounts"]!.AsArray().Count.ShouldBe(1);
        (await admin.GetAsync($"{path}?take=1&from={page["next"]}")).Json["connected_accounts"]!.AsArray().Count.ShouldBe(1);
    }

    [Fact]
    public async Task What_users_do_with_their_accounts_is_in_the_log()
    {
        var user = await scene.NewUserAsync();
        var account = await user.ConnectAsync();
        await user.MyAsync(HttpMethod.Delete, $"{VaultScene.Accounts}/{account["id"]}", await user.MyTokenAsync());

        var connected = (await scene.AuditAsync("connected_accounts_connection_succeeded", user.Id)).ShouldHaveSingleItem();
        ((string?)connected["details"]!["connected_account"]!["id"]).ShouldBe((string?)account["id"]);
        ((string?)connected["details"]!["connected_account"]!["idp_user_id"]).ShouldBe("ada");
        (await scene.AuditAsync("connected_accounts_delete_succeeded", user.Id)).Count.ShouldBe(1);
    }
}
