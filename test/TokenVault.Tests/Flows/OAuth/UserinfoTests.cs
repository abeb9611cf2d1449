using TokenVault.Server.Demo;

namespace TokenVault.Tests.Flows.OAuth;

/// <summary>The userinfo endpoint. These tests move the clock.</summary>
public sealed class UserinfoTests(OAuthVault vault) : IClassFixture<OAuthVault>
{
    [Fact]
    public async Task It_answers_to_GET_and_POST_with_the_header_oidcc_userinfo_get_oidcc_userinfo_post_header()
    {
        var tokens = await vault.SignInAsync(vault.Web);
        var request = new HttpRequestMessage(HttpMethod.Post, vault.Issuer + "userinfo");
        request.Headers.Authorization = new("Bearer", tokens["access_token"]);

        foreach (var answer in (Answer[])[await vault.GetAsync("userinfo", tokens["access_token"]), await vault.SendAsync(request)])
        {
            answer.Status.ShouldBe(200);
            answer.Header("Content-Type").ShouldBe("application/json");
            answer.Header("Cache-Control").ShouldBe("no-store");
            answer["sub"].ShouldBe(vault.UserId);
            answer["sub"].ShouldBe((string?)Answers.Claims(tokens["id_token"])["sub"]);
            answer["email"].ShouldBe(OAuthVault.Email);
            ((bool)answer.Json["email_verified"]!).ShouldBeFalse();
            answer["nickname"].ShouldBe("ada");
        }
    }

    [Fact]
    public async Task It_answers_with_the_token_in_the_body_or_the_query_oidcc_userinfo_post_body()
    {
        var token = (await vault.SignInAsync(vault.Web))["access_token"]!;

        (await vault.PostAsync("userinfo", "access_token=" + token))["sub"].ShouldBe(vault.UserId);
        (await vault.PostAsync("userinfo", $$"""{"access_token":"{{token}}"}""", "application/json"))["sub"].ShouldBe(vault.UserId);
        (await vault.GetAsync("userinfo?access_token=" + token))["sub"].ShouldBe(vault.UserId);
        (await vault.GetAsync($"userinfo?access_token={token}&access_token={token}")).Status.ShouldBe(401);
    }

    [Theory]
    [InlineData("openid", "sub")]
    [InlineData("openid email", "email email_verified sub")]
    [InlineData("openid profile", "name nickname sub updated_at")]
    public async Task Scopes_say_which_claims_there_are(string scope, string claims)
    {
        var token = (await vault.SignInAsync(vault.Web, scope))["access_token"];

        string.Join(' ', (await vault.GetAsync("userinfo", token)).Json.AsObject().Select(member => member.Key).Order()).ShouldBe(claims);
    }

    [Fact]
    public async Task Only_a_token_with_openid_for_this_endpoint_is_good()
    {
        var tokens = await vault.SignInAsync(vault.Web);
        var without = (await vault.SignInAsync(vault.Web, "read:calendar"))["access_token"];
        var access = tokens["access_token"]!;
        var parts = access.Split('.');

        foreach (var token in (string?[])
            [null, "", "x", without, vault.Admin.Token, tokens["id_token"], tokens["refresh_token"], access + "x", access[..^8], $"{parts[0]}.{parts[1]}.", $"eyJhbGciOiJub25lIn0.{parts[1]}."])
        {
            ShouldBeUnauthorized(await vault.GetAsync("userinfo", token));
        }
    }

    [Fact]
    public async Task T_ST_11_A_blocked_user_has_no_claims()
    {
        const string email = "oscar@example.com";
        await vault.RenewAdminAsync();
        var userId = await vault.Admin.CreateUserAsync(email, OAuthVault.Password);
        using var browser = await vault.SignedInBrowserAsync(email);
        var token = (await vault.SignInAsync(vault.Web, browser: browser))["access_token"];
        (await vault.GetAsync("userinfo", token)).Status.ShouldBe(200);

        await vault.BlockAsync(userId);

        ShouldBeUnauthorized(await vault.GetAsync("userinfo", token));
    }

    [Fact]
    public async Task An_expired_token_is_refused()
    {
        var token = (await vault.SignInAsync(vault.Web))["access_token"];
        vault.Server.Clock.Jump(TimeSpan.FromHours(24) + TimeSpan.FromSeconds(6));

        ShouldBeUnauthorized(await vault.GetAsync("userinfo", token));
    }

    private static void ShouldBeUnauthorized(Answer answer)
    {
        answer.Status.ShouldBe(401);
        answer["error"].ShouldBe("invalid_token");
        answer.Header("Content-Type").ShouldBe("application/json");
        answer.Header("WWW-Authenticate")!.ShouldStartWith("Bearer");
    }
}
