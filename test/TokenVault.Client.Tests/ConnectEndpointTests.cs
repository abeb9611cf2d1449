using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using TokenVault.Client.AspNetCore;
using TokenVault.Server.Demo;
using TokenVault.Testing;

namespace TokenVault.Client.Tests;

/// <summary>Browsers that a web application carries through connecting.</summary>
[Collection(ClientTests.Name)]
public sealed class ConnectEndpointTests(ClientScene scene)
{
    [Fact]
    public async Task A_user_connects_and_the_application_calls_the_provider_for_them()
    {
        await using var web = await WebScene.StartAsync(scene);
        var user = await SignedInAsync();

        var back = await user.Browser.GoAsync(Begin("?returnTo=%2Fcalendar%3Fday%3Dmonday&scope=openid&scope=" + ClientScene.Read));

        back.Url.ShouldBe($"{scene.WebOrigin}/calendar?day=monday&connected={ClientScene.Calendar}");
        (back.Status, back.Html).ShouldSatisfyAllConditions(() => back.Status.ShouldBe(200), () => back.Html.ShouldContain("ada", Case.Insensitive));
        (await scene.Client.ListAccountsAsync(user.Subject)).ShouldHaveSingleItem().Scopes.ShouldContain(ClientScene.Read);
        user.Browser.Cookies.GetAllCookies().ShouldNotContain(cookie => cookie.Name.Contains("tokenvault", StringComparison.Ordinal));
        foreach (var secret in scene.Provider.Commits.Select(commit => commit.AccessToken).Append(user.RefreshToken))
        {
            // The sign-in of this test puts the refresh token into its address.
            web.Log.Text.Replace("?user=" + Uri.EscapeDataString(user.Id) + "&token=" + user.RefreshToken, "", StringComparison.Ordinal).ShouldNotContain(secret);
        }
    }

    [Fact]
    public async Task A_refusal_comes_back_as_one()
    {
        await using var web = await WebScene.StartAsync(scene, options => options.AllowScopes = (_, scopes) => !scopes.Contains("everything"));
        var user = await SignedInAsync();

        scene.Provider.Authorization.Next(Fault.Denied());
        (await user.Browser.GoAsync(Begin("?returnTo=%2F%3Fa%3Db"))).Url.ShouldBe($"{scene.WebOrigin}/?a=b&connect_error=ConnectFailed");
        scene.Provider.Redemption.Next(Fault.Status(503));
        (await user.Browser.GoAsync(Begin("?returnTo=%2F"))).Url.ShouldBe($"{scene.WebOrigin}/?connect_error=TemporarilyUnavailable");
        (await user.Browser.GoAsync($"{scene.WebOrigin}/connect/nowhere")).Url.ShouldBe($"{scene.WebOrigin}/?connect_error=InvalidRequest");
        (await user.Browser.GoAsync(Begin("?scope=everything"))).Status.ShouldBe(400);
        (await scene.Client.ListAccountsAsync(user.Subject)).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("https://evil.example/")]
    [InlineData("//evil.example/")]
    [InlineData("/\\evil.example/")]
    [InlineData("/x\\y")]
    [InlineData("/\t/evil.example/")]
    [InlineData("/%0d%0aLocation:x", true)]
    [InlineData("evil")]
    [InlineData("")]
    [InlineData("javascript:alert(1)")]
    [InlineData("/", true)]
    [InlineData("/page?x=//y#z", true)]
    public void Only_paths_of_this_application_are_places_to_come_back_to(string address, bool local = false) =>
        ConnectEndpoints.IsLocal(address).ShouldBe(local);

    [Fact]
    public async Task A_user_comes_back_to_a_page_whose_name_is_not_ascii()
    {
        await using var web = await WebScene.StartAsync(scene);
        var user = await SignedInAsync();
        var page = "%2Fcalendar%3Fname%3D" + Uri.EscapeDataString("Müller 😀");

        (await user.Browser.GoAsync(Begin("?returnTo=" + page))).Url.ShouldBe($"{scene.WebOrigin}/calendar?name=M%C3%BCller%20%F0%9F%98%80&connected={ClientScene.Calendar}");
        (await user.Browser.GoAsync($"{scene.WebOrigin}/connect/nowhere?returnTo=%2F%3F%C3%BC")).Url.ShouldBe($"{scene.WebOrigin}/?%C3%BC&connect_error=InvalidRequest");
    }

    [Fact]
    public async Task A_foreign_address_to_come_back_to_is_refused_before_anything_begins()
    {
        await using var web = await WebScene.StartAsync(scene);
        var user = await SignedInAsync();

        var refused = await user.Browser.GoAsync(Begin("?returnTo=%2F%2Fevil.example"));

        (refused.Status, refused.Url).ShouldBe((400, Begin("?returnTo=%2F%2Fevil.example")));
        user.Browser.Cookies.GetAllCookies().ShouldNotContain(cookie => cookie.Name.Contains("tokenvault", StringComparison.Ordinal));
    }

    /// <summary>Somebody's connecting, finished in another's session, would give them the other's account: their documents would go there.</summary>
    [Fact]
    public async Task A_connecting_that_another_browser_or_another_user_began_is_not_completed()
    {
        await using var web = await WebScene.StartAsync(scene);
        var (attacker, victim) = (await SignedInAsync(), await SignedInAsync());
        var callback = await attacker.Browser.GoAsync(Begin(""), scene.WebOrigin + "/connect/callback");
        callback["connect_code"].ShouldNotBeNull();

        // The victim is sent to the attacker's callback; then with the attacker's cookies as well.
        (await victim.Browser.GoAsync(callback.Url)).Status.ShouldBe(400);
        foreach (System.Net.Cookie cookie in attacker.Browser.Cookies.GetAllCookies())
        {
            if (cookie.Name.Contains("tokenvault", StringComparison.Ordinal))
            {
                (cookie.Secure, cookie.HttpOnly, cookie.Path).ShouldBe((true, true, "/"));
                cookie.Name.ShouldStartWith("__Host-");
                victim.Browser.Cookies.Add(cookie);
            }
        }

        (await victim.Browser.GoAsync(callback.Url)).Status.ShouldBe(400);
        (await scene.Client.ListAccountsAsync(victim.Subject)).ShouldBeEmpty();
        (await scene.Client.ListAccountsAsync(attacker.Subject)).ShouldBeEmpty();

        // The one who began it, once.
        (await attacker.Browser.GoAsync(callback.Url)).Url.ShouldBe($"{scene.WebOrigin}/?connected={ClientScene.Calendar}");
        (await attacker.Browser.GoAsync(callback.Url)).Status.ShouldBe(400);
    }

    [Fact]
    public async Task States_that_nobody_gave_out_old_ones_and_strangers_get_nowhere()
    {
        await using var web = await WebScene.StartAsync(scene);
        var user = await SignedInAsync();

        foreach (var query in (string[])["", "?state=", "?state=x&connect_code=y", "?state=x&state=y&connect_code=z"])
        {
            (await user.Browser.GoAsync($"{scene.WebOrigin}/connect/callback{query}")).Status.ShouldBe(400);
        }

        var late = await user.Browser.GoAsync(Begin(""), scene.WebOrigin + "/connect/callback");
        scene.Clock.Advance(TimeSpan.FromMinutes(20));
        (await user.Browser.GoAsync(late.Url)).Status.ShouldBe(400);

        // Nobody is signed in: to the sign-in, which is the application's.
        using var stranger = scene.Vault.NewBrowser();
        (await stranger.GoAsync(Begin(""))).Url.ShouldContain("/Account/Login");
    }

    [Fact]
    public async Task Another_sites_page_cannot_begin_a_connecting_unasked()
    {
        await using var web = await WebScene.StartAsync(scene);
        var user = await SignedInAsync();
        using var http = LoopbackHttp.Client(scene.Vault.Api.Trusted, user.Browser.Cookies);
        using var request = new HttpRequestMessage(HttpMethod.Get, Begin("?returnTo=%2F&scope=%22%3E%3Cb%3E")) { Headers = { { "Sec-Fetch-Site", "cross-site" } } };

        using var response = await http.SendAsync(request);

        ((int)response.StatusCode).ShouldBe(200);
        var html = await response.Content.ReadAsStringAsync();
        html.ShouldContain("""<a href="/connect/calendar?returnTo=%2F&amp;scope=""");
        html.ShouldNotContain("<b>");
        response.Headers.GetValues("Content-Security-Policy").Single().ShouldContain("frame-ancestors 'none'");
        response.Headers.CacheControl!.NoStore.ShouldBeTrue();
    }

    [Fact]
    public async Task Whose_token_it_is_goes_by_the_authentication_that_signed_the_user_in()
    {
        var services = new ServiceCollection().AddTokenVaultConnect().BuildServiceProvider();
        var source = services.GetRequiredService<ISubjectTokenSource>();
        var accessor = services.GetRequiredService<IHttpContextAccessor>();
        (await source.GetAsync(CancellationToken.None)).ShouldBeNull();
        var context = accessor.HttpContext = new DefaultHttpContext();
        context.Request.Headers.Authorization = "Bearer unverified";
        context.Request.Headers["DPoP"] = "the-proof";
        (await source.GetAsync(CancellationToken.None)).ShouldBeNull();

        // Signed in, but by something that keeps no token: the header alone is nobody's word.
        var user = new ClaimsPrincipal(new ClaimsIdentity([new Claim("sub", "auth0|1")], "test"));
        context.User = user;
        (await source.GetAsync(CancellationToken.None)).ShouldBeNull();
        foreach (var (name, kind, proof) in new[] { ("access_token", SubjectTokenKind.AccessToken, "the-proof"), ("refresh_token", SubjectTokenKind.RefreshToken, null) })
        {
            var properties = new AuthenticationProperties();
            properties.StoreTokens([new AuthenticationToken { Name = name, Value = "verified" }]);
            context.Features.Set<IAuthenticateResultFeature>(new Result(AuthenticateResult.Success(new AuthenticationTicket(user, properties, "test"))));
            var subject = (await source.GetAsync(CancellationToken.None)).ShouldNotBeNull();
            (subject.Kind, subject.Value, subject.Proof).ShouldBe((kind, "verified", proof));
        }
    }

    private sealed class Result(AuthenticateResult result) : IAuthenticateResultFeature
    {
        public AuthenticateResult? AuthenticateResult { get; set; } = result;
    }

    private string Begin(string query) => $"{scene.WebOrigin}/connect/{ClientScene.Calendar}{query}";

    private async Task<ClientUser> SignedInAsync()
    {
        var user = await scene.NewUserAsync();
        var visit = await user.Browser.GoAsync($"{scene.WebOrigin}/sign-in?user={Uri.EscapeDataString(user.Id)}&token={user.RefreshToken}");
        visit.Status.ShouldBe(200, visit.Html);
        return user;
    }
}
