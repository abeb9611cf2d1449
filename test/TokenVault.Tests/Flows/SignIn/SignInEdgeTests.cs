using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Tests.Flows.OAuth;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Flows.SignIn;

/// <summary>What operators do meanwhile, and what strangers try without end.</summary>
public sealed class SignInEdgeTests(VaultScene scene) : IClassFixture<VaultScene>
{
    [Fact]
    public async Task A_connection_made_anew_under_the_same_name_has_users_of_its_own()
    {
        var connection = await scene.NewConnectionAsync();
        var former = await scene.SignInAsync(connection);
        var admin = await scene.AdminAsync();
        var row = (await admin.GetAsync("connections?name=" + connection)).Json[0]!;
        (await admin.DeleteAsync($"connections/{row["id"]}")).Status.ShouldBe(204);
        (await scene.AuthorizeAsync(former.Browser, connection)).Visit.ShouldEndWith("invalid_request");
        var anew = await scene.AddConnectionAsync(connection);

        var user = await scene.SignInAsync(connection);

        // Whoever took the name must not get at the users of the connection that had it.
        user.Id.ShouldBe($"oidc|{anew["id"]}|ada");
        (await scene.SignInAsync(connection)).Id.ShouldBe(user.Id);
    }

    [Fact]
    public async Task A_user_who_came_from_a_provider_can_be_changed_except_for_what_the_provider_says()
    {
        var connection = await scene.NewConnectionAsync();
        var user = await scene.SignInAsync(connection);
        var admin = await scene.AdminAsync();
        var path = "users/" + Uri.EscapeDataString(user.Id);

        var patched = await admin.PatchAsync(path, new JsonObject { ["app_metadata"] = new JsonObject { ["plan"] = "pro" }, ["connection"] = connection });
        patched.Status.ShouldBe(200, patched.Text);
        ((string?)patched.Json["identities"]![0]!["connection"]).ShouldBe(connection);
        (await admin.PatchAsync(path, new JsonObject { ["email"] = "other@example.com" })).Status.ShouldBe(400);
        (await admin.PatchAsync(path, new JsonObject { ["password"] = "correct horse battery" })).Status.ShouldBe(400);

        (await scene.SignInAsync(connection)).Id.ShouldBe(user.Id);
        ((string?)(await scene.UserAsync(user.Id))["app_metadata"]!["plan"]).ShouldBe("pro");
    }

    [Fact]
    public async Task A_deleted_user_is_signed_out_and_begins_anew()
    {
        var connection = await scene.NewConnectionAsync();
        var user = await scene.SignInAsync(connection);
        var given = scene.Provider.Commits[^1];
        (await (await scene.AdminAsync()).DeleteAsync("users/" + Uri.EscapeDataString(user.Id))).Status.ShouldBe(204);

        (await scene.AuthorizeAsync(user.Browser, connection, ("prompt", "none"))).Visit.ShouldEndWith("login_required");
        await scene.TickUntilAsync(() => Task.FromResult(!scene.Provider.IsLive(given.AccessToken)), TimeSpan.FromSeconds(5));
        (await scene.SignInAsync(connection)).Id.ShouldBe(user.Id);
    }

    [Fact]
    public async Task Two_first_sign_ins_at_once_make_one_user()
    {
        var connection = await scene.NewConnectionAsync();

        var users = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => scene.SignInAsync(connection)));

        users.Select(user => user.Id).Distinct(StringComparer.Ordinal).ShouldHaveSingleItem();
        (await users[0].AccountsAsync()).ShouldHaveSingleItem();
        (await users[0].ExchangeAsync(connection)).Status.ShouldBe(200);
    }

    [Theory]
    [InlineData(true, "offline", "login consent")]
    [InlineData(false, null, "login")]
    public async Task A_provider_is_asked_for_offline_access_only_where_the_vault_keeps_it(bool vault, string? accessType, string prompt)
    {
        var connection = "google-" + Server.Protocol.Identifier.Client().ToLowerInvariant();
        var options = new JsonObject { ["client_id"] = scene.Provider.ClientId, ["authorizationURL"] = scene.Provider.Sandbox.AuthorizationUrl };
        var row = await scene.AddConnectionAsync(connection, "google-oauth2", options);
        (await (await scene.AdminAsync()).PatchAsync(
            $"connections/{row["id"]}", new JsonObject { ["connected_accounts"] = new JsonObject { ["active"] = vault } })).Status.ShouldBe(200);
        using var browser = scene.Vault.NewBrowser();

        var query = PendingConnect.Query((await scene.DepartAsync(browser, connection, ("prompt", "login"))).Url);

        query.GetValueOrDefault("access_type").ShouldBe(accessType);
        query.GetValueOrDefault("include_granted_scopes").ShouldBe(vault ? "true" : null);
        query["prompt"].ShouldBe(prompt);
    }

    [Fact]
    public async Task T_DO_06_one_network_cannot_begin_sign_ins_without_end()
    {
        var connection = await scene.NewConnectionAsync();
        scene.Clock.Advance(TimeSpan.FromMinutes(1));
        for (var i = 0; i < 300; i++)
        {
            (await BeginAsync()).Headers.Location!.AbsoluteUri.ShouldStartWith(scene.Provider.Sandbox.AuthorizationUrl);
        }

        (await BeginAsync()).Redirected("error").ShouldBe("temporarily_unavailable");
        (await scene.Storage.CountAsync(new(Server.OAuth.SignIn.SignInRequest.Kind), CancellationToken.None)).ShouldBeLessThanOrEqualTo(310);
        scene.Clock.Advance(TimeSpan.FromMinutes(1));
        (await scene.SignInAsync(connection)).Id.ShouldNotBeEmpty();

        Task<Answer> BeginAsync() => scene.SendRawAsync(
            HttpMethod.Get,
            $"authorize?response_type=code&client_id={scene.App.Credentials.ClientId}&state=s&scope=openid"
            + $"&redirect_uri={Uri.EscapeDataString(Operator.Callback)}&connection={connection}");
    }
}
