using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;

namespace TokenVault.Tests.Flows.OAuth;

/// <summary>Refresh tokens: reuse, rotation, leeway, expiry. These tests move the clock.</summary>
public sealed class RefreshTokenTests(OAuthVault vault) : IClassFixture<OAuthVault>, IAsyncLifetime
{
    public Task InitializeAsync() => vault.RenewAdminAsync();

    public Task DisposeAsync() => Task.CompletedTask;

    [Fact]
    public async Task Without_rotation_the_same_token_goes_on_oidcc_refresh_token()
    {
        var first = await vault.SignInAsync(vault.Web);
        vault.Server.Clock.Advance(TimeSpan.FromMinutes(1));
        for (var time = 0; time < 3; time++)
        {
            var again = await vault.RefreshAsync(vault.Web, first["refresh_token"]);

            again.ShouldBeGranted();
            again.Json.AsObject().ContainsKey("refresh_token").ShouldBeFalse();
            again.ScopesOf().ShouldBe(OAuthVault.AllScopes.Split(' '), ignoreOrder: true);
            var (was, now) = (Answers.Claims(first["id_token"]), await vault.VerifiedClaimsAsync(again["id_token"]));
            foreach (var claim in (string[])["iss", "sub", "aud", "auth_time", "sid"])
            {
                now[claim]!.ToString().ShouldBe(was[claim]!.ToString(), claim);
            }

            now["iat"]!.GetValue<long>().ShouldBeGreaterThan(was["iat"]!.GetValue<long>());
            now.ContainsKey("nonce").ShouldBeFalse();
        }
    }

    [Fact]
    public async Task With_rotation_each_use_gives_the_next_token_and_reuse_ends_them_all()
    {
        var first = (await vault.SignInAsync(vault.Spa))["refresh_token"];
        var second = (await vault.RefreshAsync(vault.Spa, first))["refresh_token"];
        var third = (await vault.RefreshAsync(vault.Spa, second))["refresh_token"];
        new[] { first, second, third }.Distinct().Count().ShouldBe(3);

        (await vault.RefreshAsync(vault.Spa, second)).ShouldBeRefused(403, "invalid_grant");

        (await vault.RefreshAsync(vault.Spa, third)).ShouldBeRefused(403, "invalid_grant");
    }

    [Fact]
    public async Task T_ST_09_Generations_do_not_depend_on_the_clock()
    {
        var tokens = new List<string> { (await vault.SignInAsync(vault.Spa))["refresh_token"]! };
        for (var rotation = 0; rotation < 5; rotation++)
        {
            tokens.Add((await vault.RefreshAsync(vault.Spa, tokens[^1]))["refresh_token"]!);
        }

        tokens.Distinct().Count().ShouldBe(6);
        (await vault.RefreshAsync(vault.Spa, tokens[0])).ShouldBeRefused(403, "invalid_grant");
        (await vault.RefreshAsync(vault.Spa, tokens[5])).ShouldBeRefused(403, "invalid_grant");
    }

    [Fact]
    public async Task Within_the_leeway_the_predecessor_gets_the_same_successor()
    {
        var client = await RotatingAsync(new JsonObject { ["leeway"] = 20 });
        var first = (await vault.SignInAsync(client))["refresh_token"];
        var second = (await vault.RefreshAsync(client, first))["refresh_token"];
        vault.Server.Clock.Advance(TimeSpan.FromSeconds(19));

        var again = await vault.RefreshAsync(client, first);

        again.ShouldBeGranted();
        again["refresh_token"].ShouldBe(second);
        (await vault.RefreshAsync(client, second)).ShouldBeGranted();
    }

    [Fact]
    public async Task After_the_leeway_the_predecessor_ends_the_family()
    {
        var client = await RotatingAsync(new JsonObject { ["leeway"] = 20 });
        var first = (await vault.SignInAsync(client))["refresh_token"];
        var second = (await vault.RefreshAsync(client, first))["refresh_token"];
        vault.Server.Clock.Advance(TimeSpan.FromSeconds(20));

        (await vault.RefreshAsync(client, first)).ShouldBeRefused(403, "invalid_grant");

        (await vault.RefreshAsync(client, second)).ShouldBeRefused(403, "invalid_grant");
    }

    [Fact]
    public async Task The_leeway_is_for_one_generation_only()
    {
        var client = await RotatingAsync(new JsonObject { ["leeway"] = 60 });
        var first = (await vault.SignInAsync(client))["refresh_token"];
        var second = (await vault.RefreshAsync(client, first))["refresh_token"];
        var third = (await vault.RefreshAsync(client, second))["refresh_token"];

        (await vault.RefreshAsync(client, first)).ShouldBeRefused(403, "invalid_grant");

        (await vault.RefreshAsync(client, third)).ShouldBeRefused(403, "invalid_grant");
    }

    [Theory]
    [InlineData("rotating")]
    [InlineData("non-rotating")]
    public async Task A_token_ends_when_it_is_not_used(string rotation)
    {
        var client = await RotatingAsync(new JsonObject { ["rotation_type"] = rotation, ["idle_token_lifetime"] = 7200, ["token_lifetime"] = 86400 });
        var token = (await vault.SignInAsync(client))["refresh_token"];
        for (var use = 0; use < 4; use++)
        {
            vault.Server.Clock.Advance(TimeSpan.FromSeconds(5000));
            var answer = await vault.RefreshAsync(client, token);
            answer.ShouldBeGranted();
            token = answer["refresh_token"] ?? token;
        }

        vault.Server.Clock.Advance(TimeSpan.FromSeconds(7201));
        (await vault.RefreshAsync(client, token)).ShouldBeRefused(403, "invalid_grant");
    }

    [Theory]
    [InlineData("rotating")]
    [InlineData("non-rotating")]
    public async Task A_token_ends_at_last_however_much_it_is_used(string rotation)
    {
        var client = await RotatingAsync(new JsonObject { ["rotation_type"] = rotation, ["idle_token_lifetime"] = 7200, ["token_lifetime"] = 20_000 });
        var token = (await vault.SignInAsync(client))["refresh_token"];
        for (var use = 0; use < 3; use++)
        {
            vault.Server.Clock.Advance(TimeSpan.FromSeconds(6000));
            var answer = await vault.RefreshAsync(client, token);
            answer.ShouldBeGranted();
            token = answer["refresh_token"] ?? token;
        }

        vault.Server.Clock.Advance(TimeSpan.FromSeconds(2001));
        (await vault.RefreshAsync(client, token)).ShouldBeRefused(403, "invalid_grant");
    }

    [Fact]
    public async Task T_ST_10_Another_client_cannot_use_it_and_does_not_spoil_it()
    {
        var token = (await vault.SignInAsync(vault.Spa))["refresh_token"];

        var stolen = await vault.RefreshAsync(vault.Web, token);
        stolen.ShouldBeRefused(403, "invalid_grant");
        stolen["error_description"].ShouldBe("Unknown or invalid refresh token.");

        (await vault.RefreshAsync(vault.Spa, token)).ShouldBeGranted();
    }

    [Fact]
    public async Task T_ST_17_A_token_has_one_spelling()
    {
        var token = (await vault.SignInAsync(vault.Web))["refresh_token"]!;
        var last = token[^1];
        var spellings = (string[])
        [
            token + "=", token + "==", " " + token, token + " ", token + "\n", "V1." + token[3..], token[3..], "v1." + token, token + "A", token[..^1],
            token[..^1] + (char)(last + 1), token[..^1] + '.', token[..^1] + ':', token[..^1] + 'ü', token[..^4] + "====", token.Replace('-', '+').Replace('_', '/') + "=", token[..20] + token[20..].ToUpperInvariant(), "v1.", "v1", ".",
        ];

        foreach (var spelling in spellings)
        {
            (await vault.RefreshAsync(vault.Web, spelling)).ShouldBeRefused(403, "invalid_grant");
        }

        (await vault.RefreshAsync(vault.Web, null)).ShouldBeRefused(400, "invalid_request");
    }

    [Fact]
    public async Task T_ST_11_A_blocked_user_is_refused_and_comes_back_unblocked()
    {
        const string email = "niaj@example.com";
        var userId = await vault.Admin.CreateUserAsync(email, OAuthVault.Password);
        using var browser = await vault.SignedInBrowserAsync(email);
        var token = (await vault.SignInAsync(vault.Web, browser: browser))["refresh_token"];
        await vault.BlockAsync(userId);

        (await vault.RefreshAsync(vault.Web, token)).ShouldBeRefused(403, "invalid_grant");

        await vault.BlockAsync(userId, blocked: false);
        (await vault.RefreshAsync(vault.Web, token)).ShouldBeGranted();
        (await vault.Admin.DeleteAsync("users/" + Uri.EscapeDataString(userId))).Status.ShouldBe(204);
        (await vault.RefreshAsync(vault.Web, token)).ShouldBeRefused(403, "invalid_grant");
    }

    [Fact]
    public async Task T_ST_11_A_client_that_loses_the_grant_loses_the_tokens()
    {
        var client = await vault.ClientAsync("Losing");
        var token = (await vault.SignInAsync(client))["refresh_token"];
        var fewer = new JsonObject { ["grant_types"] = new JsonArray(Wire.AuthorizationCode) };
        (await vault.Admin.PatchAsync("clients/" + client.Credentials.ClientId, fewer)).Status.ShouldBe(200);

        (await vault.RefreshAsync(client, token)).ShouldBeRefused(403, "unauthorized_client");
    }

    [Fact]
    public async Task A_public_clients_tokens_rotate_whatever_it_is_set_to()
    {
        var client = await vault.PublicClientAsync("Stubborn", new JsonObject { ["refresh_token"] = new JsonObject { ["rotation_type"] = "non-rotating" } });
        var first = (await vault.SignInAsync(client))["refresh_token"];
        var second = (await vault.RefreshAsync(client, first))["refresh_token"];

        second.ShouldNotBeNull();
        second.ShouldNotBe(first);
    }

    [Theory]
    [InlineData("read:calendar", "read:calendar")]
    [InlineData("openid write:calendar", "openid write:calendar")]
    [InlineData("read:calendar delete:calendar admin", "read:calendar")]
    [InlineData("admin", null)]
    public async Task Fewer_scopes_may_be_asked_for_and_more_are_left_out(string asked, string? granted)
    {
        var token = (await vault.SignInAsync(vault.Web))["refresh_token"];

        var answer = await vault.RefreshAsync(vault.Web, token, ("scope", asked));

        answer.ShouldBeGranted();
        answer["scope"].ShouldBe(granted);
        answer.Json.AsObject().ContainsKey("id_token").ShouldBe(asked.Contains("openid", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_was_left_out_once_can_be_had_the_next_time()
    {
        var token = (await vault.SignInAsync(vault.Web))["refresh_token"];
        await vault.RefreshAsync(vault.Web, token, ("scope", "read:calendar"));

        (await vault.RefreshAsync(vault.Web, token)).ScopesOf().ShouldContain("write:calendar");
    }

    private Task<Application> RotatingAsync(JsonObject settings)
    {
        var all = new JsonObject { ["rotation_type"] = "rotating", ["expiration_type"] = "expiring" };
        foreach (var (member, value) in settings)
        {
            all[member] = value?.DeepClone();
        }

        return vault.ClientAsync("Rotating", new JsonObject { ["refresh_token"] = all });
    }
}
