using System.Text.Json.Nodes;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Tokensets;
using TokenVault.Server.Users;
using TokenVault.Testing;
using TokenVault.Tests.Flows.OAuth;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Flows.SignIn;

/// <summary>Who users are who sign in through a provider, and what becomes of its tokens.</summary>
public sealed class ProviderSignInTests(VaultScene scene) : IClassFixture<VaultScene>
{
    [Theory]
    [InlineData("oidc", false)]
    [InlineData("oauth2", true)]
    public async Task A_user_who_signs_in_through_a_connection_is_made_once_and_found_again(string strategy, bool social)
    {
        var connection = await scene.NewConnectionAsync(strategy);

        var first = await scene.SignInAsync(connection);
        var again = await scene.SignInAsync(connection);

        first.Id.ShouldBe($"{strategy}|{connection}|ada");
        again.Id.ShouldBe(first.Id);
        var user = await scene.UserAsync(first.Id);
        ((string?)user["name"]).ShouldBe("Ada Lovelace");
        ((string?)user["email"]).ShouldBe("ada@sandbox.example");
        user["email_verified"]!.GetValue<bool>().ShouldBeFalse();
        var identity = user["identities"]!.AsArray().ShouldHaveSingleItem()!;
        ((string?)identity["connection"]).ShouldBe(connection);
        ((string?)identity["provider"]).ShouldBe(strategy);
        ((string?)identity["user_id"]).ShouldBe($"{connection}|ada");
        identity["isSocial"]!.GetValue<bool>().ShouldBe(social);
        (await scene.AuditAsync("s", first.Id)).Count.ShouldBe(2);
        (await scene.AuditAsync("s", first.Id)).ShouldAllBe(e => (string?)e["connection"] == connection);
    }

    [Fact]
    public async Task What_the_provider_gives_goes_to_the_vault_and_never_into_identities()
    {
        var connection = await scene.NewConnectionAsync();

        var user = await scene.SignInAsync(connection);

        var given = scene.Provider.Commits[^1];
        var exchanged = await user.ExchangeAsync(connection);
        exchanged.Status.ShouldBe(200, exchanged.Text);
        exchanged["access_token"].ShouldBe(given.AccessToken);
        (await user.AccountsAsync()).ShouldHaveSingleItem()["connection"]!.GetValue<string>().ShouldBe(connection);
        var shown = (await scene.UserAsync(user.Id)).ToJsonString();
        shown.ShouldNotContain(given.AccessToken);
        shown.ShouldNotContain(given.RefreshToken!);
        var row = await scene.Storage.FindAsync(User.Kind, user.Id, CancellationToken.None);
        System.Text.Encoding.UTF8.GetString(row!.Body).ShouldNotContain("token");
        (await scene.AuditAsync("connected_accounts_connection_succeeded", user.Id)).Count.ShouldBe(1);

        scene.EndAccessTokens();
        (await user.ExchangeAsync(connection)).Status.ShouldBe(200);
    }

    [Fact]
    public async Task A_connection_for_authentication_only_fills_no_vault_and_its_refresh_token_is_given_back()
    {
        var connection = await scene.NewConnectionAsync(more: new() { ["connected_accounts"] = new JsonObject { ["active"] = false } });

        var user = await scene.SignInAsync(connection);

        var given = scene.Provider.Commits[^1];
        (await user.AccountsAsync()).ShouldBeEmpty();
        (await user.ExchangeAsync(connection))["reason"].ShouldBe("policy_denied");
        await scene.TickUntilAsync(() => Task.FromResult(!scene.Provider.IsLive(given.AccessToken)), TimeSpan.FromSeconds(5));
    }

    [Fact]
    public async Task A_connection_for_connected_accounts_only_signs_nobody_in()
    {
        var connection = await scene.NewConnectionAsync(more: new() { ["authentication"] = new JsonObject { ["active"] = false } });
        var asked = scene.Provider.Authorization.Calls;
        using var browser = scene.Vault.NewBrowser();

        (await scene.AuthorizeAsync(browser, connection)).Visit.ShouldEndWith("invalid_request");

        scene.Provider.Authorization.Calls.ShouldBe(asked);
        (await (await scene.NewUserAsync()).ConnectAsync(connection))["connection"]!.GetValue<string>().ShouldBe(connection);
    }

    [Fact]
    public async Task T_CF_15_The_same_address_at_another_connection_is_another_user()
    {
        var admin = await scene.AdminAsync();
        await admin.PostAsync("users", new JsonObject
        {
            ["connection"] = Wire.DatabaseConnection,
            ["email"] = "ada@sandbox.example",
            ["password"] = Identifier.Secret(),
            ["email_verified"] = true,
        });
        var one = await scene.NewConnectionAsync();
        var other = await scene.NewConnectionAsync();
        scene.Provider.Redemption.Next(Fault.IdTokenClaim("email_verified", true), Fault.IdTokenClaim("email_verified", true));

        var first = await scene.SignInAsync(one);
        var second = await scene.SignInAsync(other);

        second.Id.ShouldNotBe(first.Id);
        (await scene.UserAsync(second.Id))["email_verified"]!.GetValue<bool>().ShouldBeTrue();
        var all = await admin.GetAsync("users-by-email?email=ADA@sandbox.example");
        var ids = all.Json.AsArray().Select(user => (string?)user!["user_id"]).ToList();
        ids.ShouldContain(first.Id);
        ids.ShouldContain(second.Id);
        ids.ShouldContain(id => id!.StartsWith("auth0|", StringComparison.Ordinal));
        all.Json.AsArray().ShouldAllBe(user => user!["identities"]!.AsArray().Count == 1);
    }

    [Fact]
    public async Task A_blocked_user_is_refused_and_the_tokens_do_not_stay()
    {
        var connection = await scene.NewConnectionAsync(more: new() { ["connected_accounts"] = new JsonObject { ["active"] = false } });
        var user = await scene.SignInAsync(connection);
        (await (await scene.AdminAsync()).PatchAsync("users/" + Uri.EscapeDataString(user.Id), new JsonObject { ["blocked"] = true })).Status.ShouldBe(200);
        using var browser = scene.Vault.NewBrowser();

        var (visit, _) = await scene.AuthorizeAsync(browser, connection);

        visit.ShouldEndWith("access_denied");
        var given = scene.Provider.Commits[^1];
        await scene.TickUntilAsync(() => Task.FromResult(!scene.Provider.IsLive(given.AccessToken)), TimeSpan.FromSeconds(5));
        (await scene.AuditAsync("f")).ShouldContain(e => (string?)e["connection"] == connection);
    }

    [Theory]
    [InlineData(null, "Ada King")]
    [InlineData("on_each_login", "Ada King")]
    [InlineData("on_first_login", "Ada Lovelace")]
    public async Task The_profile_follows_the_provider_as_the_connection_says(string? mode, string expected)
    {
        var connection = await scene.NewConnectionAsync(options: options => options["set_user_root_attributes"] = mode);
        var user = await scene.SignInAsync(connection);
        scene.Provider.Redemption.Next(Fault.IdTokenClaim("name", "Ada King"));

        var again = await scene.SignInAsync(connection);

        again.Id.ShouldBe(user.Id);
        ((string?)(await scene.UserAsync(user.Id))["name"]).ShouldBe(expected);
        ((string?)Answers.Claims(again.Tokens["id_token"])["name"]).ShouldBe(expected);
    }

    [Fact]
    public async Task Where_sign_ins_make_no_users_a_stranger_is_refused()
    {
        var connection = await scene.NewConnectionAsync(options: options => options["set_user_root_attributes"] = "never_on_login");
        using var browser = scene.Vault.NewBrowser();

        (await scene.AuthorizeAsync(browser, connection)).Visit.ShouldEndWith("access_denied");
    }

    [Fact]
    public async Task A_profile_is_completed_from_userinfo_of_the_same_subject()
    {
        var connection = await scene.NewConnectionAsync();
        scene.Provider.Redemption.Next(Fault.IdTokenClaim("name", null), Fault.IdTokenClaim("name", null));
        var user = await scene.SignInAsync(connection);
        ((string?)(await scene.UserAsync(user.Id))["name"]).ShouldBe("Ada Lovelace");

        // OpenID Connect Core §5.3.2: an answer about somebody else is not used.
        scene.Provider.Userinfo.Next(Fault.Answer(200, "application/json", """{"sub":"grace","name":"Grace Hopper"}"""));
        await scene.SignInAsync(connection);
        ((string?)(await scene.UserAsync(user.Id))["name"]).ShouldBe("Ada Lovelace");
    }

    [Fact]
    public async Task A_hostile_profile_is_taken_as_far_as_it_is_one()
    {
        var connection = await scene.NewConnectionAsync();
        scene.Provider.Redemption.Next(Fault.Rewriting((answer, provider) =>
            answer["id_token"] = provider.Resign(answer["id_token"]!.GetValue<string>(), claims =>
            {
                claims["name"] = "line\nbreak";
                claims["picture"] = "javascript:alert(1)";
                claims["nickname"] = new string('n', 5000);
                claims["given_name"] = 7;
                claims["user_id"] = "auth0|admin";
                claims["app_metadata"] = new JsonObject { ["role"] = "admin" };
            })));

        var user = await scene.UserAsync((await scene.SignInAsync(connection)).Id);

        // The name comes from userinfo then.
        ((string?)user["name"]).ShouldBe("Ada Lovelace");
        user["picture"].ShouldBeNull();
        user["given_name"].ShouldBeNull();
        user["app_metadata"].ShouldBeNull();
        ((string?)user["nickname"]).ShouldBe("ada");
    }

    [Fact]
    public async Task T_UP_01_What_came_with_an_identity_that_is_not_valid_goes_back_to_the_provider()
    {
        var connection = await scene.NewConnectionAsync();
        scene.Provider.Redemption.Next(Fault.IdTokenClaim("nonce", "replayed"));
        using var browser = scene.Vault.NewBrowser();

        (await scene.AuthorizeAsync(browser, connection)).Visit.ShouldEndWith("server_error");

        var given = scene.Provider.Commits[^1];
        await scene.TickUntilAsync(() => Task.FromResult(!scene.Provider.IsLive(given.AccessToken)), TimeSpan.FromSeconds(5));
    }

    [Fact]
    public async Task A_nameless_grant_is_not_revoked_while_it_may_be_that_of_a_connected_account()
    {
        var connection = await scene.NewConnectionAsync("oauth2");
        var user = await scene.SignInAsync(connection);
        scene.Provider.Userinfo.Next(Fault.Status(503));
        using var browser = scene.Vault.NewBrowser();

        (await scene.AuthorizeAsync(browser, connection)).Visit.ShouldEndWith("temporarily_unavailable");

        var revoked = scene.Provider.Revocation.Calls;
        for (var i = 0; i < 5; i++)
        {
            scene.Clock.Advance(TimeSpan.FromSeconds(20));
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System);
        }

        scene.Provider.Revocation.Calls.ShouldBe(revoked);
        scene.EndAccessTokens();
        (await user.ExchangeAsync(connection)).Status.ShouldBe(200);
        (await scene.Storage.ListAllAsync<PendingRevocation>(PendingRevocation.OfUser(""), CancellationToken.None))
            .ShouldNotContain(revocation => revocation.Connection.Name == connection);
    }
}
