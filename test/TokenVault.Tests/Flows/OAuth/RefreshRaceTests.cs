using System.Text.Json.Nodes;

namespace TokenVault.Tests.Flows.OAuth;

/// <summary>Rotation under many requests at once, and across a restart.</summary>
public sealed class RefreshRaceTests(OAuthVault vault) : IClassFixture<OAuthVault>
{
    [Fact]
    public async Task T_ST_07_Sixty_four_uses_at_once_give_exactly_one_new_token()
    {
        var token = (await vault.SignInAsync(vault.Spa))["refresh_token"];

        var answers = await Task.WhenAll(Enumerable.Range(0, 64).Select(_ => vault.RefreshAsync(vault.Spa, token)));

        answers.Where(answer => answer.Status == 200).ShouldHaveSingleItem()["refresh_token"].ShouldNotBe(token);
        answers.Where(answer => answer.Status != 200).ShouldAllBe(answer => answer.Status == 403 && answer["error"] == "invalid_grant");
    }

    [Fact]
    public async Task T_ST_07_With_a_leeway_sixty_four_uses_at_once_all_get_the_same_new_token()
    {
        var client = await vault.ClientAsync("Patient", new JsonObject
        {
            ["refresh_token"] = new JsonObject { ["rotation_type"] = "rotating", ["expiration_type"] = "expiring", ["leeway"] = 30 },
        });
        var token = (await vault.SignInAsync(client))["refresh_token"];

        var answers = await Task.WhenAll(Enumerable.Range(0, 64).Select(_ => vault.RefreshAsync(client, token)));

        answers.ShouldAllBe(answer => answer.Status == 200);
        var next = answers.Select(answer => answer["refresh_token"]).Distinct().ShouldHaveSingleItem();
        next.ShouldNotBe(token);
        (await vault.RefreshAsync(client, next)).ShouldBeGranted();
    }

    [Fact]
    public async Task Without_rotation_sixty_four_uses_at_once_are_all_good()
    {
        var token = (await vault.SignInAsync(vault.Web))["refresh_token"];

        var answers = await Task.WhenAll(Enumerable.Range(0, 64).Select(_ => vault.RefreshAsync(vault.Web, token)));

        answers.ShouldAllBe(answer => answer.Status == 200);
    }

    [Fact]
    public async Task T_ST_08_A_replayed_token_is_dead_after_a_restart_too()
    {
        var first = (await vault.SignInAsync(vault.Spa))["refresh_token"];
        var second = (await vault.RefreshAsync(vault.Spa, first))["refresh_token"];
        await vault.Server.RestartAsync();

        var third = await vault.RefreshAsync(vault.Spa, second);
        third.ShouldBeGranted();
        await vault.Server.RestartAsync();

        (await vault.RefreshAsync(vault.Spa, first)).ShouldBeRefused(403, "invalid_grant");
        (await vault.RefreshAsync(vault.Spa, third["refresh_token"])).ShouldBeRefused(403, "invalid_grant");
    }

    [Fact]
    public async Task Keys_sessions_and_codes_survive_a_restart()
    {
        using var browser = await vault.SignedInBrowserAsync();
        var tokens = await vault.SignInAsync(vault.Web, browser: browser);
        var (code, verifier) = await vault.CodeAsync(vault.Web, browser: browser);
        await vault.Server.RestartAsync();

        await vault.VerifiedClaimsAsync(tokens["id_token"]);
        (await vault.GetAsync("userinfo", tokens["access_token"])).Status.ShouldBe(200);
        (await vault.RedeemAsync(vault.Web, code, verifier)).ShouldBeGranted();
        (await vault.AuthorizeAsync(vault.Web, browser, ("prompt", "none"))).Redirected("code").ShouldNotBeNull();
    }
}
