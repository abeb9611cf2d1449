using System.Buffers.Text;
using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;
using TokenVault.Tests.Flows.SignIn;

namespace TokenVault.Tests.Flows.Vault;

public sealed class ConnectSecurityTests(VaultScene scene) : IClassFixture<VaultScene>
{
    private const int BrowserStopped = 0;

    [Fact]
    public async Task T_CF_01_Tickets_sessions_and_codes_hold_256_random_bits_and_never_repeat()
    {
        var user = await scene.NewUserAsync();
        var seen = new List<string>();
        for (var i = 0; i < 8; i++)
        {
            var begun = await user.BeginAsync();
            var visit = await user.Browser.GoAsync(begun.Link, Operator.Callback);
            seen.AddRange([begun.AuthSession, PendingConnect.Query(begun.Link)["ticket"], visit["connect_code"]!]);
        }

        seen.Distinct(StringComparer.Ordinal).Count().ShouldBe(24);
        seen.ShouldAllBe(secret => Base64Url.DecodeFromChars(secret).Length == 32);
        var bits = seen.SelectMany(secret => Base64Url.DecodeFromChars(secret)).Sum(b => System.Numerics.BitOperations.PopCount(b));
        ((double)bits / (24 * 256)).ShouldBeInRange(0.45, 0.55);
    }

    [Fact]
    public async Task T_CF_01_A_ticket_works_once_and_for_five_minutes()
    {
        var user = await scene.NewUserAsync();
        var used = await user.BeginAsync();
        (await user.Browser.GoAsync(used.Link, Operator.Callback)).Status.ShouldBe(BrowserStopped);
        (await user.Browser.GoAsync(used.Link, Operator.Callback)).Status.ShouldBe(400);

        var inTime = await user.BeginAsync();
        var late = await user.BeginAsync();
        scene.Clock.Advance(TimeSpan.FromSeconds(299));
        (await user.Browser.GoAsync(inTime.Link, Operator.Callback)).Status.ShouldBe(BrowserStopped);
        scene.Clock.Advance(TimeSpan.FromSeconds(1));
        (await user.Browser.GoAsync(late.Link, Operator.Callback)).Status.ShouldBe(400);
    }

    [Theory]
    [InlineData("")]
    [InlineData("?ticket=")]
    [InlineData("?ticket=unknown")]
    [InlineData("?ticket=a&ticket=b")]
    [InlineData("?ticket=%00")]
    public async Task T_CF_01_What_is_no_ticket_leads_nowhere(string query)
    {
        using var browser = scene.Vault.NewBrowser();

        var visit = await browser.GoAsync(scene.Vault.Issuer + "connected-accounts/connect" + query, Operator.Callback);

        visit.Status.ShouldBe(400);
    }

    [Fact]
    public async Task T_CF_01_A_connect_code_works_for_a_minute()
    {
        var user = await scene.NewUserAsync();
        var inTime = await user.BeginAsync();
        var code = (await user.Browser.GoAsync(inTime.Link, Operator.Callback))["connect_code"];
        scene.Clock.Advance(TimeSpan.FromSeconds(59));
        (await scene.App.CompleteAsync(inTime.Token, inTime.CompleteBody(code))).Status.ShouldBe(201);

        var late = await user.BeginAsync();
        code = (await user.Browser.GoAsync(late.Link, Operator.Callback))["connect_code"];
        scene.Clock.Advance(TimeSpan.FromSeconds(60));
        VaultScene.Problem(await scene.App.CompleteAsync(late.Token, late.CompleteBody(code)), 400);
    }

    [Fact]
    public async Task T_CF_02_What_a_victim_approved_does_not_reach_the_attacker_who_sent_the_link()
    {
        var attacker = await scene.NewUserAsync();
        var begun = await attacker.BeginAsync();
        using var victim = scene.Vault.NewBrowser();
        var page = await victim.GoAsync(begun.Link, Operator.Callback);

        var visit = await victim.GoAsync(page.Link("continue to"), Operator.Callback);

        // The connect code is in the victim's browser alone; the attacker has everything else.
        visit["connect_code"].ShouldNotBeNull();
        foreach (var guess in (string?[])[null, "", begun.AuthSession, Identifier.Secret(), begun.Verifier])
        {
            VaultScene.Problem(await scene.App.CompleteAsync(begun.Token, begun.CompleteBody(guess)), 400);
        }

        var shot = await attacker.ExchangeAsync();
        shot["reason"].ShouldBe("not_connected");
        scene.Clock.Advance(TimeSpan.FromSeconds(60));
        VaultScene.Problem(await scene.App.CompleteAsync(begun.Token, begun.CompleteBody(visit["connect_code"])), 400);
    }

    [Fact]
    public async Task T_CF_02_A_link_is_refused_to_a_browser_in_which_somebody_else_is_signed_in()
    {
        var attacker = await scene.NewUserAsync();
        var victim = await scene.NewUserAsync();
        var begun = await attacker.BeginAsync();
        var asked = scene.Provider.Authorization.Calls;

        var visit = await victim.Browser.GoAsync(begun.Link, Operator.Callback);

        visit.Status.ShouldBe(403);
        scene.Provider.Authorization.Calls.ShouldBe(asked);
    }

    [Fact]
    public async Task T_CF_04_The_verifier_is_asked_for_exactly_when_a_challenge_was_sent()
    {
        var user = await scene.NewUserAsync();
        foreach (var verifier in (string?[])[null, Identifier.Secret(), "short"])
        {
            var begun = await user.BeginAsync();
            var body = begun.CompleteBody((await user.Browser.GoAsync(begun.Link, Operator.Callback))["connect_code"]);
            body["code_verifier"] = verifier;
            VaultScene.Problem(await scene.App.CompleteAsync(begun.Token, body), 400);
        }

        // The challenge itself is no proof, as it would be with the method plain.
        var plain = await user.BeginAsync();
        var replayed = plain.CompleteBody((await user.Browser.GoAsync(plain.Link, Operator.Callback))["connect_code"]);
        replayed["code_verifier"] = Pkce.Challenge(plain.Verifier);
        VaultScene.Problem(await scene.App.CompleteAsync(plain.Token, replayed), 400);

        var without = await user.BeginAsync(new JsonObject { ["code_challenge"] = null, ["code_challenge_method"] = null });
        var complete = without.CompleteBody((await user.Browser.GoAsync(without.Link, Operator.Callback))["connect_code"]);
        VaultScene.Problem(await scene.App.CompleteAsync(without.Token, complete), 400);
        complete.Remove("code_verifier");
        (await scene.App.CompleteAsync(without.Token, complete)).Status.ShouldBe(201);
    }

    [Fact]
    public async Task T_CF_04_A_public_client_must_send_a_challenge()
    {
        var credentials = await (await scene.AdminAsync()).CreateApplicationAsync("Single page", new JsonObject
        {
            ["app_type"] = "spa",
            ["token_endpoint_auth_method"] = "none",
            ["refresh_token"] = new JsonObject
            {
                ["rotation_type"] = "rotating",
                ["expiration_type"] = "expiring",
                ["policies"] = new JsonArray(new JsonObject
                {
                    ["audience"] = scene.Vault.Issuer + "me/",
                    ["scope"] = new JsonArray(Wire.CreateConnectedAccounts),
                }),
            },
        });
        await scene.AddConnectionAsync("for-the-single-page", more: credentials);
        var user = await scene.NewUserAsync(new Application(scene.Vault.Api, credentials with { ClientSecret = null! }));
        var body = new JsonObject { ["connection"] = "for-the-single-page", ["redirect_uri"] = Operator.Callback };

        var answer = await scene.Vault.Api.SendAsync(HttpMethod.Post, VaultScene.Connect, await user.MyTokenAsync(), body);

        ((string?)VaultScene.Problem(answer, 400)["validation_errors"]![0]!["field"]).ShouldBe("code_challenge");
    }

    [Fact]
    public async Task T_CF_05_A_callback_is_taken_once_and_from_the_browser_that_went_there()
    {
        var user = await scene.NewUserAsync();
        var other = await scene.NewUserAsync();
        var own = $"{scene.Vault.Issuer}login/callback/";
        var begun = await user.BeginAsync();
        var callback = (await user.Browser.GoAsync(begun.Link, own)).Url;
        var redeemed = scene.Provider.Redemption.Calls;
        using var stranger = scene.Vault.NewBrowser();

        (await stranger.GoAsync(callback, Operator.Callback)).Status.ShouldBe(400);
        (await other.Browser.GoAsync(callback, Operator.Callback)).Status.ShouldBe(400);
        (await user.Browser.GoAsync(callback.Replace("state=", "state=x", StringComparison.Ordinal), Operator.Callback)).Status.ShouldBe(400);
        (await user.Browser.GoAsync(callback + "&state=twice", Operator.Callback)).Status.ShouldBe(400);
        (await user.Browser.GoAsync(own + VaultScene.Calendar + "?code=stolen", Operator.Callback)).Status.ShouldBe(400);
        scene.Provider.Redemption.Calls.ShouldBe(redeemed);

        var visit = await user.Browser.GoAsync(callback, Operator.Callback);
        visit["connect_code"].ShouldNotBeNull(visit.Html);
        (await user.Browser.GoAsync(callback, Operator.Callback)).Status.ShouldBe(400);
        scene.Provider.Redemption.Calls.ShouldBe(redeemed + 1);
    }

    [Fact]
    public async Task T_CF_05_An_attackers_code_cannot_be_put_under_a_victims_state()
    {
        var own = $"{scene.Vault.Issuer}login/callback/";
        var attacker = await scene.NewUserAsync();
        var victim = await scene.NewUserAsync();
        var theirs = PendingConnect.Query((await attacker.Browser.GoAsync((await attacker.BeginAsync()).Link, own)).Url);
        var begun = await victim.BeginAsync();
        var callback = (await victim.Browser.GoAsync(begun.Link, own)).Url;
        var state = PendingConnect.Query(callback)["state"];

        // The attacker's whole callback in the victim's browser, and the attacker's code with the victim's state.
        var csrf = $"{own}{VaultScene.Calendar}?code={theirs["code"]}&state={theirs["state"]}&iss={Uri.EscapeDataString(theirs["iss"])}";
        (await victim.Browser.GoAsync(csrf, Operator.Callback)).Status.ShouldBe(400);
        var mixed = await victim.Browser.GoAsync(
            $"{own}{VaultScene.Calendar}?code={theirs["code"]}&state={state}&iss={Uri.EscapeDataString(theirs["iss"])}", Operator.Callback);

        // PKCE towards the provider: their code does not redeem with our verifier.
        (mixed["connect_code"], mixed["error"]).ShouldBe((null, "server_error"));
        (await victim.ExchangeAsync())["reason"].ShouldBe("not_connected");
    }

    [Fact]
    public async Task T_CF_09_Only_the_user_and_client_that_began_complete_and_once()
    {
        var user = await scene.NewUserAsync();
        var otherUser = await scene.NewUserAsync();
        var credentials = await (await scene.AdminAsync()).CreateApplicationAsync("Another application");
        await scene.AddConnectionAsync("shared", more: credentials);
        var otherClient = new Application(scene.Vault.Api, credentials);
        var elsewhere = new TestUser(scene, otherClient, user.Id, user.Email, user.Password, scene.Vault.NewBrowser());
        await elsewhere.SignInAsync();

        var begun = await user.BeginAsync(new JsonObject { ["connection"] = "shared" });
        var complete = begun.CompleteBody((await user.Browser.GoAsync(begun.Link, Operator.Callback))["connect_code"]);
        var otherUri = (JsonObject)complete.DeepClone();
        otherUri["redirect_uri"] = Operator.Callback + "/";
        var otherSession = (JsonObject)complete.DeepClone();
        otherSession["auth_session"] = (await user.BeginAsync()).AuthSession;

        VaultScene.Problem(await scene.App.CompleteAsync(await otherUser.MyTokenAsync(), complete), 400);
        VaultScene.Problem(await otherClient.CompleteAsync(await elsewhere.MyTokenAsync(), complete), 400);
        VaultScene.Problem(await scene.App.CompleteAsync(begun.Token, otherUri), 400);
        VaultScene.Problem(await scene.App.CompleteAsync(begun.Token, otherSession), 400);
        (await scene.App.CompleteAsync(begun.Token, complete)).Status.ShouldBe(201);
        VaultScene.Problem(await scene.App.CompleteAsync(begun.Token, complete), 400);
    }

    [Fact]
    public async Task T_CF_09_Ten_completions_at_once_make_one_account()
    {
        var user = await scene.NewUserAsync();
        var begun = await user.BeginAsync();
        var complete = begun.CompleteBody((await user.Browser.GoAsync(begun.Link, Operator.Callback))["connect_code"]);

        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => scene.App.CompleteAsync(begun.Token, (JsonObject)complete.DeepClone())));

        answers.Count(answer => answer.Status == 201).ShouldBe(1);
        answers.ShouldAllBe(answer => answer.Status == 201 || answer.Status == 400);
        (await user.MyAsync(HttpMethod.Get, VaultScene.Accounts, begun.Token)).Json["accounts"]!.AsArray().Count.ShouldBe(1);
    }

    [Fact]
    public async Task T_CF_08_Disconnecting_ends_whatever_is_under_way()
    {
        var user = await scene.NewUserAsync();
        var account = await user.ConnectAsync();
        var ticket = await user.BeginAsync();
        var pending = await user.BeginAsync();
        var complete = pending.CompleteBody((await user.Browser.GoAsync(pending.Link, Operator.Callback))["connect_code"]);
        var atProvider = await user.BeginAsync();
        var callback = (await user.Browser.GoAsync(atProvider.Link, scene.Vault.Issuer + "login/callback/")).Url;

        (await user.MyAsync(HttpMethod.Delete, $"{VaultScene.Accounts}/{account["id"]}", pending.Token)).Status.ShouldBe(204);

        (await user.Browser.GoAsync(ticket.Link, Operator.Callback)).Status.ShouldBe(400);
        VaultScene.Problem(await scene.App.CompleteAsync(pending.Token, complete), 400);
        (await user.Browser.GoAsync(callback, Operator.Callback)).Status.ShouldBe(400);
        (await user.ExchangeAsync())["reason"].ShouldBe("not_connected");
    }

    [Fact]
    public async Task Unfinished_requests_are_bounded_per_user_and_connection()
    {
        var user = await scene.NewUserAsync();
        var token = await user.MyTokenAsync();
        var body = new JsonObject { ["connection"] = VaultScene.Calendar, ["redirect_uri"] = Operator.Callback };
        for (var i = 0; i < 20; i++)
        {
            (await user.MyAsync(HttpMethod.Post, VaultScene.Connect, token, body)).Status.ShouldBe(201);
        }

        VaultScene.Problem(await user.MyAsync(HttpMethod.Post, VaultScene.Connect, token, body), 429);
        scene.Clock.Advance(TimeSpan.FromMinutes(5));
        (await user.MyAsync(HttpMethod.Post, VaultScene.Connect, token, body)).Status.ShouldBe(201);
    }
}
