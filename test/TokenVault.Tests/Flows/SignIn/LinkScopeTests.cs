using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Testing;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Flows.SignIn;

/// <summary>Linking that users ask for: the scopes <c>link_account</c> and <c>unlink_account</c>, as the SDKs send them.</summary>
public sealed class LinkScopeTests(VaultScene scene) : IClassFixture<VaultScene>
{
    [Fact]
    public async Task A_signed_in_user_links_an_identity_and_unlinks_it()
    {
        var connection = await scene.NewConnectionAsync();
        var user = await scene.NewUserAsync();

        var (visit, verifier) = await LinkAsync(user, connection, user.IdToken);

        (await scene.RedeemAsync(user.Browser, visit, verifier)).Id.ShouldBe(user.Id);
        (await IdentitiesAsync(user)).Length.ShouldBe(2);
        (await scene.SignInAsync(connection)).Id.ShouldBe(user.Id);
        (await user.ExchangeAsync(connection)).Status.ShouldBe(200);

        var (back, secret) = await UnlinkAsync(user, connection);
        (await scene.RedeemAsync(user.Browser, back, secret)).Id.ShouldBe(user.Id);
        (await IdentitiesAsync(user)).Length.ShouldBe(1);
        (await scene.SignInAsync(connection)).Id.ShouldBe($"oidc|{connection}|ada");
        (await UnlinkAsync(user, connection)).Visit.ShouldEndWith("invalid_request");
    }

    [Fact]
    public async Task The_identity_of_another_user_makes_that_user_one_with_this()
    {
        var connection = await scene.NewConnectionAsync();
        var user = await scene.NewUserAsync();
        var other = await scene.SignInAsync(connection);

        (await LinkAsync(user, connection, user.IdToken)).Visit["code"].ShouldNotBeNull();

        (await (await scene.AdminAsync()).GetAsync("users/" + Uri.EscapeDataString(other.Id))).Status.ShouldBe(404);
        scene.EndAccessTokens();
        (await user.ExchangeAsync(connection)).Status.ShouldBe(200);

        // Linked to one user, it cannot be linked to a third.
        var third = await scene.NewUserAsync();
        (await LinkAsync(third, connection, third.IdToken)).Visit.ShouldEndWith("access_denied");
        (await IdentitiesAsync(user)).Length.ShouldBe(2);
    }

    [Fact]
    public async Task Linking_twice_changes_nothing()
    {
        var connection = await scene.NewConnectionAsync();
        var user = await scene.NewUserAsync();
        (await LinkAsync(user, connection, user.IdToken)).Visit["code"].ShouldNotBeNull();
        (await LinkAsync(user, connection, user.IdToken)).Visit["code"].ShouldNotBeNull();

        (await IdentitiesAsync(user)).Length.ShouldBe(2);
    }

    [Fact]
    public async Task Further_scopes_are_asked_for_the_identity_that_is_linked()
    {
        var connection = await scene.NewConnectionAsync();
        var user = await scene.NewUserAsync();

        (await LinkAsync(user, connection, user.IdToken, ("requested_connection_scope", "mail.read"))).Visit["code"].ShouldNotBeNull();

        (await user.ExchangeAsync(connection, new() { ["scope"] = "mail.read" })).Status.ShouldBe(200);
    }

    [Fact]
    public async Task T_CF_13_A_link_that_anybody_could_write_links_nothing()
    {
        var connection = await scene.NewConnectionAsync();
        var victim = await scene.NewUserAsync();
        var attacker = await scene.NewUserAsync();
        var asked = scene.Provider.Authorization.Calls;

        (await LinkAsync(victim, connection, idToken: null)).Visit.ShouldEndWith("invalid_request");
        (await LinkAsync(victim, connection, victim.IdToken, ("prompt", "none"))).Visit.ShouldEndWith("interaction_required");

        // The attacker's hint in the victim's browser: the attacker would have to sign in there.
        var (page, _) = await LinkAsync(victim, connection, attacker.IdToken, submit: false);
        page.Status.ShouldBe(401);

        scene.Provider.Authorization.Calls.ShouldBe(asked);
        (await IdentitiesAsync(attacker)).Length.ShouldBe(1);
        (await IdentitiesAsync(victim)).Length.ShouldBe(1);
    }

    [Fact]
    public async Task Who_signed_out_meanwhile_links_nothing()
    {
        var connection = await scene.NewConnectionAsync();
        var user = await scene.NewUserAsync();
        var callback = await CallbackAsync(user, connection);
        await user.Browser.GoAsync(scene.Vault.Issuer + "v2/logout");

        (await user.Browser.GoAsync(callback, Operator.Callback)).ShouldEndWith("login_required");

        (await IdentitiesAsync(user)).Length.ShouldBe(1);
        var given = scene.Provider.Commits[^1];
        await scene.TickUntilAsync(() => Task.FromResult(!scene.Provider.IsLive(given.AccessToken)), TimeSpan.FromSeconds(5));
    }

    [Fact]
    public async Task T_CF_08_A_proof_under_way_comes_too_late_once_an_identity_was_unlinked()
    {
        var connection = await scene.NewConnectionAsync();
        var user = await scene.NewUserAsync();
        (await LinkAsync(user, connection, user.IdToken)).Visit["code"].ShouldNotBeNull();
        var callback = await CallbackAsync(user, connection);

        (await (await scene.AdminAsync()).DeleteAsync(
            $"users/{Uri.EscapeDataString(user.Id)}/identities/oidc/{Uri.EscapeDataString($"{connection}|ada")}")).Status.ShouldBe(200);

        (await user.Browser.GoAsync(callback, Operator.Callback)).Status.ShouldBe(400);
        (await IdentitiesAsync(user)).Length.ShouldBe(1);
    }

    [Fact]
    public async Task T_CF_08_Disconnecting_the_account_ends_a_linking_that_would_bring_it_back()
    {
        var connection = await scene.NewConnectionAsync();
        var user = await scene.NewUserAsync();
        var account = await user.ConnectAsync(connection);
        var callback = await CallbackAsync(user, connection);

        (await user.MyAsync(HttpMethod.Delete, $"{VaultScene.Accounts}/{account["id"]}", await user.MyTokenAsync())).Status.ShouldBe(204);

        (await user.Browser.GoAsync(callback, Operator.Callback)).Status.ShouldBe(400);
        (await user.ExchangeAsync(connection))["reason"].ShouldBe("not_connected");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task T_CF_08_What_is_undone_while_the_provider_is_asked_is_not_linked_again(bool unlinks)
    {
        var connection = await scene.NewConnectionAsync();
        var user = await scene.NewUserAsync();
        var account = unlinks ? null : await user.ConnectAsync(connection);
        if (unlinks)
        {
            (await LinkAsync(user, connection, user.IdToken)).Visit["code"].ShouldNotBeNull();
        }

        var callback = await CallbackAsync(user, connection);
        var gate = new FakeGate();
        scene.Provider.Redemption.Next(Fault.Held(gate).AfterCommit());
        var back = user.Browser.GoAsync(callback, Operator.Callback);
        await gate.Entered;

        if (unlinks)
        {
            (await (await scene.AdminAsync()).DeleteAsync(
                $"users/{Uri.EscapeDataString(user.Id)}/identities/oidc/{Uri.EscapeDataString($"{connection}|ada")}")).Status.ShouldBe(200);
        }
        else
        {
            (await user.MyAsync(HttpMethod.Delete, $"{VaultScene.Accounts}/{account!["id"]}", await user.MyTokenAsync())).Status.ShouldBe(204);
        }

        gate.Release();
        (await back).ShouldEndWith("access_denied");

        (await IdentitiesAsync(user)).Length.ShouldBe(1);
        if (!unlinks)
        {
            (await user.ExchangeAsync(connection))["reason"].ShouldBe("not_connected");
        }
    }

    [Fact]
    public async Task A_third_party_application_may_not_link()
    {
        var connection = await scene.NewConnectionAsync();
        var user = await scene.NewUserAsync();
        var credentials = await (await scene.AdminAsync()).CreateApplicationAsync("Third party", new JsonObject { ["is_first_party"] = false });

        var (visit, _) = await new Application(scene.Vault.Api, credentials).AuthorizeAsync(
            user.Browser, "", "", audience: null, "openid link_account", [new("requested_connection", connection), new("id_token_hint", user.IdToken!)]);

        visit.ShouldEndWith("unauthorized_client");
    }

    private Task<(Visit Visit, string Verifier)> LinkAsync(TestUser user, string connection, string? idToken, params (string Name, string Value)[] more) =>
        LinkAsync(user, connection, idToken, submit: true, more);

    private Task<(Visit Visit, string Verifier)> LinkAsync(
        TestUser user, string connection, string? idToken, bool submit, params (string Name, string Value)[] more)
    {
        var all = more.Select(p => KeyValuePair.Create(p.Name, p.Value)).Append(new("requested_connection", connection));
        all = idToken is null ? all : all.Append(new("id_token_hint", idToken));
        return scene.App.AuthorizeAsync(
            user.Browser, submit ? user.Email : "", submit ? user.Password : "", VaultScene.Api, "openid link_account offline_access", all);
    }

    private Task<(Visit Visit, string Verifier)> UnlinkAsync(TestUser user, string connection) =>
        scene.App.AuthorizeAsync(
            user.Browser, user.Email, user.Password, VaultScene.Api, "openid unlink_account offline_access",
            [new("requested_connection", connection), new("id_token_hint", user.IdToken!)]);

    /// <summary>The provider's redirect back from a linking, not followed yet.</summary>
    private async Task<string> CallbackAsync(TestUser user, string connection)
    {
        var parameters = new Dictionary<string, string>
        {
            ["response_type"] = "code",
            ["client_id"] = scene.App.Credentials.ClientId,
            ["redirect_uri"] = Operator.Callback,
            ["scope"] = "openid link_account",
            ["state"] = "the-state",
            ["requested_connection"] = connection,
            ["id_token_hint"] = user.IdToken!,
        };
        var visit = await user.Browser.GoAsync(
            Server.Http.Urls.WithQuery(scene.Vault.Issuer + "authorize", parameters), scene.Provider.Sandbox.AuthorizationUrl);
        return (await FakeProvider.VisitAsync(visit.Url)).AbsoluteUri;
    }

    private async Task<JsonNode?[]> IdentitiesAsync(TestUser user) => [.. (await scene.UserAsync(user.Id))["identities"]!.AsArray()];
}
