using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Tokensets;
using TokenVault.Testing;
using TokenVault.Tests.Flows.OAuth;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Flows.SignIn;

/// <summary>Identities that an operator links and unlinks: <c>/api/v2/users/{id}/identities</c>.</summary>
public sealed class LinkedIdentityTests(VaultScene scene) : IClassFixture<VaultScene>
{
    [Fact]
    public async Task A_linked_user_signs_in_as_the_other_and_brings_the_connected_accounts_along()
    {
        var connection = await scene.NewConnectionAsync();
        var local = await scene.NewUserAsync();
        var upstream = await scene.SignInAsync(connection);

        var answer = await LinkAsync(local.Id, "oidc", $"{connection}|ada");

        answer.Status.ShouldBe(201, answer.Text);
        var identities = answer.Json.AsArray();
        identities.Select(identity => (string?)identity!["provider"]).ShouldBe(["auth0", "oidc"]);
        ((string?)identities[1]!["profileData"]!["email"]).ShouldBe("ada@sandbox.example");
        answer.Text.ShouldNotContain(scene.Provider.Commits[^1].AccessToken);
        (await (await scene.AdminAsync()).GetAsync("users/" + Uri.EscapeDataString(upstream.Id))).Status.ShouldBe(404);
        (await scene.UserAsync(local.Id))["identities"]!.AsArray().Count.ShouldBe(2);

        (await scene.SignInAsync(connection)).Id.ShouldBe(local.Id);
        (await scene.App.RefreshAsync(upstream.RefreshToken)).Status.ShouldBe(403);
        (await scene.AuthorizeAsync(upstream.Browser, connection, ("prompt", "none"))).Visit.ShouldEndWith("login_required");
        scene.EndAccessTokens();
        (await local.ExchangeAsync(connection)).Status.ShouldBe(200);
        (await scene.Storage.FindAsync("user", upstream.Id, CancellationToken.None)).ShouldBeNull();
    }

    [Fact]
    public async Task What_was_moved_is_refreshed_and_revoked_as_the_users_own()
    {
        var connection = await scene.NewConnectionAsync();
        var local = await scene.NewUserAsync();
        await scene.SignInAsync(connection);
        (await LinkAsync(local.Id, "oidc", $"{connection}|ada")).Status.ShouldBe(201);

        scene.EndAccessTokens();
        (await local.ExchangeAsync(connection)).Status.ShouldBe(200);

        var newest = scene.Provider.Commits[^1];
        var account = (await AccountsAsync(local)).ShouldHaveSingleItem();
        (await local.MyAsync(HttpMethod.Delete, $"{VaultScene.Accounts}/{account["id"]}", await local.MyTokenAsync())).Status.ShouldBe(204);
        await scene.TickUntilAsync(() => Task.FromResult(!scene.Provider.IsLive(newest.AccessToken)), TimeSpan.FromSeconds(5));
    }

    [Fact]
    public async Task Where_both_had_the_same_provider_account_it_stays_one_and_no_token_is_dropped()
    {
        var connection = await scene.NewConnectionAsync();
        var local = await scene.NewUserAsync();
        var own = await local.ConnectAsync(connection);
        await scene.SignInAsync(connection);

        (await LinkAsync(local.Id, "oidc", $"{connection}|ada")).Status.ShouldBe(201);

        ((string?)(await AccountsAsync(local)).ShouldHaveSingleItem()["id"]).ShouldBe((string?)own["id"]);
        var spares = await scene.Storage.ListAllAsync<RefreshSpare>(EntityKey.Index("user", local.Id), CancellationToken.None);
        spares.ShouldHaveSingleItem().AccountId.ShouldBe((string)own["id"]!);
        scene.EndAccessTokens();
        (await local.ExchangeAsync(connection)).Status.ShouldBe(200);
    }

    [Fact]
    public async Task T_CF_08_Unlinking_makes_two_users_again_and_signs_out_who_came_by_the_identity()
    {
        var connection = await scene.NewConnectionAsync();
        var local = await scene.NewUserAsync();
        var former = await scene.SignInAsync(connection);
        (await LinkAsync(local.Id, "oidc", $"{connection}|ada")).Status.ShouldBe(201);
        var byIdentity = await scene.SignInAsync(connection);
        byIdentity.Id.ShouldBe(local.Id);

        var answer = await UnlinkAsync(local.Id, "oidc", $"{connection}|ada");

        answer.Status.ShouldBe(200, answer.Text);
        answer.Json.AsArray().ShouldHaveSingleItem();
        (await scene.App.RefreshAsync(byIdentity.RefreshToken)).Status.ShouldBe(403);
        (await scene.App.RefreshAsync(local.RefreshToken)).Status.ShouldBe(200);
        (await scene.AuthorizeAsync(byIdentity.Browser, connection, ("prompt", "none"))).Visit.ShouldEndWith("login_required");
        var alone = await scene.SignInAsync(connection);
        alone.Id.ShouldBe(former.Id);
        ((string?)(await scene.UserAsync(alone.Id))["email"]).ShouldBe("ada@sandbox.example");
    }

    [Fact]
    public async Task A_linked_local_user_signs_in_by_their_own_password_and_can_be_unlinked()
    {
        var main = await scene.NewUserAsync();
        var other = await scene.NewUserAsync();
        (await LinkAsync(main.Id, "auth0", other.Id["auth0|".Length..])).Status.ShouldBe(201);
        using var browser = scene.Vault.NewBrowser();

        (await SubjectAsync(browser, other)).ShouldBe(main.Id);
        using var wrong = scene.Vault.NewBrowser();
        var crossed = await scene.App.AuthorizeAsync(wrong, other.Email, main.Password, audience: null, "openid");
        crossed.Visit.Status.ShouldBe(401);
        (await SubjectAsync(main.Browser, main)).ShouldBe(main.Id);

        (await UnlinkAsync(main.Id, "auth0", other.Id["auth0|".Length..])).Status.ShouldBe(200);
        using var later = scene.Vault.NewBrowser();
        (await SubjectAsync(later, other)).ShouldBe(other.Id);
    }

    [Fact]
    public async Task T_CF_15_What_cannot_be_linked_is_refused()
    {
        var connection = await scene.NewConnectionAsync();
        var main = await scene.NewUserAsync();
        var third = await scene.NewUserAsync();
        await scene.SignInAsync(connection);
        await scene.SignInAsync(connection, "grace");
        var admin = await scene.AdminAsync();
        var path = $"users/{Uri.EscapeDataString(main.Id)}/identities";

        (await LinkAsync(main.Id, "auth0", main.Id["auth0|".Length..])).Status.ShouldBe(400);
        (await LinkAsync(main.Id, "oidc", $"{connection}|nobody")).Status.ShouldBe(404);
        (await LinkAsync("auth0|nobody", "oidc", $"{connection}|ada")).Status.ShouldBe(404);
        (await admin.PostAsync(path, new JsonObject())).Status.ShouldBe(400);
        (await admin.PostAsync(path, new JsonObject { ["provider"] = "oidc" })).Status.ShouldBe(400);
        (await admin.PostAsync(path, new JsonObject { ["provider"] = "oidc", ["user_id"] = "x", ["link_with"] = "y" })).Status.ShouldBe(400);
        (await admin.PostAsync(path, new JsonObject { ["link_with"] = main.IdToken })).Status.ShouldBe(400);
        (await admin.PostAsync(path, new JsonObject { ["email"] = "ada@sandbox.example" })).Status.ShouldBe(400);
        (await admin.PostAsync(path, new JsonObject { ["provider"] = "oidc", ["user_id"] = $"{connection}|ada", ["connection_id"] = "con_other" })).Status.ShouldBe(400);
        (await UnlinkAsync(main.Id, "auth0", main.Id["auth0|".Length..])).Status.ShouldBe(400);
        (await UnlinkAsync(main.Id, "oidc", $"{connection}|ada")).Status.ShouldBe(404);

        // Not by way of another: whoever has identities is unlinked first, and a block is not got around.
        (await LinkAsync(main.Id, "oidc", $"{connection}|ada")).Status.ShouldBe(201);
        (await LinkAsync(third.Id, "auth0", main.Id["auth0|".Length..])).Status.ShouldBe(400);
        (await admin.PatchAsync($"users/{Uri.EscapeDataString($"oidc|{connection}|grace")}", new JsonObject { ["blocked"] = true })).Status.ShouldBe(200);
        (await LinkAsync(main.Id, "oidc", $"{connection}|grace")).Status.ShouldBe(400);
    }

    [Fact]
    public async Task T_CF_08_An_id_token_links_when_the_caller_is_whom_it_was_issued_to_and_not_again_once_that_is_undone()
    {
        var connection = await scene.NewConnectionAsync();
        var main = await scene.NewUserAsync();
        var admin = await scene.AdminAsync();
        var credentials = await admin.CreateApplicationAsync("Links", new JsonObject
        {
            ["grant_types"] = new JsonArray(Wire.AuthorizationCode, Wire.RefreshToken, Wire.ClientCredentials),
        });
        var audience = scene.Vault.Issuer + "api/v2/";
        await admin.CreateAsync("client-grants", new JsonObject
        {
            ["client_id"] = credentials.ClientId,
            ["audience"] = audience,
            ["scope"] = new JsonArray("update:users"),
        });
        var row = (await admin.GetAsync("connections?name=" + connection)).Json[0]!;
        (await admin.PatchAsync($"connections/{row["id"]}/clients", new JsonArray(new JsonObject { ["client_id"] = credentials.ClientId, ["status"] = true }))).Status.ShouldBe(204);
        var application = new Application(scene.Vault.Api, credentials);
        using var browser = scene.Vault.NewBrowser();
        var (visit, verifier) = await application.AuthorizeAsync(browser, "", "", audience: null, "openid", [new("connection", connection)]);
        var tokens = await application.RedeemAsync(visit["code"]!, verifier);
        var machine = (await application.TokenAsync(new JsonObject { ["grant_type"] = Wire.ClientCredentials, ["audience"] = audience }))["access_token"]!;
        var path = $"api/v2/users/{Uri.EscapeDataString(main.Id)}/identities";

        (await scene.Vault.Api.SendAsync(HttpMethod.Post, path, machine, new JsonObject { ["link_with"] = main.IdToken })).Status.ShouldBe(400);
        (await scene.Vault.Api.SendAsync(HttpMethod.Post, path, machine, new JsonObject { ["link_with"] = tokens["access_token"] })).Status.ShouldBe(400);
        var linked = await scene.Vault.Api.SendAsync(HttpMethod.Post, path, machine, new JsonObject { ["link_with"] = tokens["id_token"] });

        linked.Status.ShouldBe(201, linked.Text);
        (await scene.SignInAsync(connection)).Id.ShouldBe(main.Id);

        // T-CF-08: the proof does not outlive the user's unlinking, be that in the second in which it was issued.
        (await UnlinkAsync(main.Id, "oidc", $"{connection}|ada")).Status.ShouldBe(200);
        var stale = await scene.Vault.Api.SendAsync(HttpMethod.Post, path, machine, new JsonObject { ["link_with"] = tokens["id_token"] });
        stale.Status.ShouldBe(400, stale.Text);
        scene.Clock.Advance(TimeSpan.FromSeconds(1));
        (visit, verifier) = await application.AuthorizeAsync(browser, "", "", audience: null, "openid", [new("connection", connection)]);
        var fresh = (await application.RedeemAsync(visit["code"]!, verifier))["id_token"];
        (await scene.Vault.Api.SendAsync(HttpMethod.Post, path, machine, new JsonObject { ["link_with"] = fresh })).Status.ShouldBe(201);
    }

    [Fact]
    public async Task Of_two_identities_with_one_provider_and_id_the_caller_says_which_is_unlinked()
    {
        var (first, second) = (await StrategyConnectionAsync(), await StrategyConnectionAsync());
        var main = await scene.NewUserAsync();
        foreach (var connection in (string[])[first, second])
        {
            await scene.SignInAsync(connection);
            (await LinkAsync(main.Id, "google-oauth2", "ada")).Status.ShouldBe(201);
        }

        var ambiguous = await UnlinkAsync(main.Id, "google-oauth2", "ada");
        (ambiguous.Status, ambiguous["errorCode"]).ShouldBe((409, "conflict"), ambiguous.Text);
        (await UnlinkAsync(main.Id, "google-oauth2", "ada", "?connection=another")).Status.ShouldBe(404);
        (await scene.UserAsync(main.Id))["identities"]!.AsArray().Count.ShouldBe(3);

        var answer = await UnlinkAsync(main.Id, "google-oauth2", "ada", "?connection=" + second);

        answer.Status.ShouldBe(200, answer.Text);
        answer.Json.AsArray().Select(identity => (string?)identity!["connection"]).ShouldBe([Wire.DatabaseConnection, first]);
        (await scene.SignInAsync(first)).Id.ShouldBe(main.Id);
        (await scene.SignInAsync(second)).Id.ShouldNotBe(main.Id);
        (await UnlinkAsync(main.Id, "google-oauth2", "ada")).Status.ShouldBe(200);
    }

    [Fact]
    public async Task A_user_whose_tokens_are_being_refreshed_is_linked_afterwards()
    {
        var connection = await scene.NewConnectionAsync();
        var local = await scene.NewUserAsync();
        var upstream = await scene.SignInAsync(connection);
        scene.EndAccessTokens();
        var gate = new FakeGate();
        scene.Provider.Refresh.Next(Fault.Held(gate));
        var exchange = upstream.ExchangeAsync(connection);
        await gate.Entered;

        (await LinkAsync(local.Id, "oidc", $"{connection}|ada")).Status.ShouldBe(409);

        gate.Release();
        (await exchange).Status.ShouldBe(200);
        (await LinkAsync(local.Id, "oidc", $"{connection}|ada")).Status.ShouldBe(201);
        scene.EndAccessTokens();
        (await local.ExchangeAsync(connection)).Status.ShouldBe(200);
    }

    [Fact]
    public async Task Deleting_a_user_takes_the_linked_identities_along()
    {
        var connection = await scene.NewConnectionAsync();
        var main = await scene.NewUserAsync();
        await scene.SignInAsync(connection);
        (await LinkAsync(main.Id, "oidc", $"{connection}|ada")).Status.ShouldBe(201);

        (await (await scene.AdminAsync()).DeleteAsync("users/" + Uri.EscapeDataString(main.Id))).Status.ShouldBe(204);

        (await scene.SignInAsync(connection)).Id.ShouldBe($"oidc|{connection}|ada");
    }

    private async Task<Answer> LinkAsync(string id, string provider, string userId) =>
        await (await scene.AdminAsync()).PostAsync($"users/{Uri.EscapeDataString(id)}/identities", new JsonObject { ["provider"] = provider, ["user_id"] = userId });

    private async Task<Answer> UnlinkAsync(string id, string provider, string userId, string query = "") =>
        await (await scene.AdminAsync()).DeleteAsync($"users/{Uri.EscapeDataString(id)}/identities/{provider}/{Uri.EscapeDataString(userId)}{query}");

    /// <summary>A connection of a strategy whose user ids do not name the connection.</summary>
    private Task<string> StrategyConnectionAsync() => scene.NewConnectionAsync("google-oauth2", options => options["issuer"] = scene.Provider.Issuer);

    private async Task<string?> SubjectAsync(Browser browser, TestUser user)
    {
        var answer = await scene.App.SignInAsync(browser, user.Email, user.Password, audience: null, "openid");
        return (string?)Answers.Claims(answer["id_token"])["sub"];
    }

    private async Task<List<JsonNode>> AccountsAsync(TestUser user)
    {
        var answer = await scene.Vault.Api.SendAsync(HttpMethod.Get, VaultScene.Accounts, await user.MyTokenAsync());
        return [.. answer.Json["accounts"]!.AsArray().Select(account => account!)];
    }
}
