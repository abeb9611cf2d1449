using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Http;
using TokenVault.Server.Protocol;

namespace TokenVault.Tests.Flows.Attack;

/// <summary>What strangers can make the server do and store.</summary>
public sealed class FloodTests : IAsyncLifetime
{
    /// <summary>The entry that tells of the limit; however often it is reached in a minute, there is one.</summary>
    private const int LimitReached = 1;

    private readonly AttackScene scene = new();

    public Task InitializeAsync() => scene.InitializeAsync();

    public Task DisposeAsync() => scene.DisposeAsync();

    [Fact]
    public async Task T_CA_02_guesses_made_at_once_are_counted_before_they_are_tried()
    {
        using var browser = scene.Vault.NewBrowser();
        var page = await LoginPageAsync(browser);
        var before = await scene.AuditRowsAsync();
        var guesses = await Task.WhenAll(Enumerable.Range(0, 30).Select(i => GuessAsync(browser, page, AttackScene.Email, $"wrong {i}")));
        guesses.Count(visit => visit.Status == 401).ShouldBe(10);
        guesses.Count(visit => visit.Status == 429).ShouldBe(20);
        (await scene.AuditRowsAsync() - before).ShouldBe(10 + LimitReached);
    }

    [Fact]
    public async Task T_DO_04_one_network_cannot_buy_endless_password_hashes_with_endless_names()
    {
        using var browser = scene.Vault.NewBrowser();
        var page = await LoginPageAsync(browser);
        var before = await scene.AuditRowsAsync();
        for (var i = 0; i < 70; i++)
        {
            await GuessAsync(browser, page, $"nobody{i}@example.com", "wrong");
        }

        (await scene.AuditRowsAsync() - before).ShouldBe(60 + LimitReached);
        (await GuessAsync(browser, page, AttackScene.Email, AttackScene.Password)).Status.ShouldBe(429);
        scene.Vault.Clock.Advance(TimeSpan.FromMinutes(1));
        (await GuessAsync(browser, page, AttackScene.Email, AttackScene.Password)).Status.ShouldBe(0);
    }

    [Theory]
    [InlineData(Wire.AuthorizationCode, "code")]
    [InlineData(Wire.RefreshToken, "refresh_token")]
    public async Task T_DO_06_whoever_knows_a_public_clients_id_cannot_fill_the_log(string grantType, string parameter)
    {
        var spa = await scene.Admin.CreateApplicationAsync("Browser", new JsonObject { ["app_type"] = "spa", ["token_endpoint_auth_method"] = "none" });
        var before = await scene.AuditRowsAsync();
        var answers = await Task.WhenAll(Enumerable.Range(0, 250).Select(_ => scene.TokenAsync(new JsonObject
        {
            ["grant_type"] = grantType,
            ["client_id"] = spa.ClientId,
            [parameter] = "made up",
        })));
        answers.Count(answer => answer["error"] == "too_many_requests").ShouldBe(50);
        answers.Where(answer => answer.Status == 429).ShouldAllBe(answer => answer.Headers.RetryAfter != null);
        (await scene.AuditRowsAsync() - before).ShouldBe(200 + LimitReached);
    }

    [Theory]
    [InlineData("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64")]
    [InlineData("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64")]
    [InlineData("192.0.2.7", "192.0.2.7")]
    public void T_CA_02_the_addresses_of_one_subscriber_share_a_limit(string address, string network)
    {
        StrictIPAddress.TryParse(address, out var parsed).ShouldBeTrue();
        CallerNetwork.Of(parsed!).ShouldBe(network);
        CallerNetwork.Of(parsed!.MapToIPv6()).ShouldBe(network);
    }

    private async Task<Visit> LoginPageAsync(Browser browser)
    {
        var page = await browser.GoAsync(Urls.WithQuery(scene.Vault.Issuer + "authorize", new Dictionary<string, string>
        {
            ["response_type"] = "code",
            ["client_id"] = scene.App.Credentials.ClientId,
            ["redirect_uri"] = Operator.Callback,
            ["scope"] = "openid",
        }));
        page.Status.ShouldBe(200, page.Html);
        return page;
    }

    private static Task<Visit> GuessAsync(Browser browser, Visit page, string email, string password) =>
        browser.SubmitAsync(page, new Dictionary<string, string> { ["username"] = email, ["password"] = password }, Operator.Callback);
}
