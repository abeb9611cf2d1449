using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.OAuth.Devices;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Tests.Flows.OAuth;

namespace TokenVault.Tests.Flows.Devices;

/// <summary>The device flow (RFC 8628). These tests move the clock.</summary>
public sealed class DeviceTests(OAuthVault vault) : IClassFixture<OAuthVault>
{
    [Fact]
    public async Task A_device_gets_tokens_once_its_user_has_let_it_in()
    {
        var device = await BeginAsync();
        device.UserCode.ShouldMatch("^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$");
        device.Begun["verification_uri"].ShouldBe(vault.Issuer + "activate");
        device.Begun["verification_uri_complete"].ShouldBe($"{vault.Issuer}activate?user_code={device.UserCode}");
        ((int)device.Begun.Json["expires_in"]!).ShouldBe(900);
        ((int)device.Begun.Json["interval"]!).ShouldBe(5);
        device.Begun.Header("Cache-Control").ShouldBe("no-store");
        (await device.AskAsync()).ShouldBeRefused(403, "authorization_pending");

        using var browser = vault.Server.NewBrowser();
        var consent = await EnterAsync(device, browser, device.UserCode.ToLowerInvariant().Replace('-', ' '));
        Device.TextOf(consent).ShouldContain("Allow Television on your device?");
        Device.TextOf(consent).ShouldContain("Read the calendar");
        Device.TextOf(consent).ShouldContain(OAuthVault.Email);
        (await device.AskAsync()).Status.ShouldBe(429);
        (await Device.AnswerAsync(browser, consent, "allow")).Html.ShouldContain("Device connected");

        var tokens = await device.AskAsync();
        tokens.ShouldBeGranted();
        Answers.Claims(tokens["access_token"])["aud"]!.ToString().ShouldContain(OAuthVault.Audience);
        Answers.Claims(tokens["id_token"])["sub"]!.ToString().ShouldBe(vault.UserId);
        tokens.ScopesOf().ShouldContain("read:calendar");
        (await vault.TokenAsync(new Application(vault.Api, device.Client), ("grant_type", Wire.RefreshToken), ("refresh_token", tokens["refresh_token"]))).ShouldBeGranted();

        // Consumed: neither the code nor the page is good for anything any more.
        (await device.AskAsync()).ShouldBeRefused(403, "invalid_grant");
        (await Device.AnswerAsync(browser, consent, "allow")).Status.ShouldBe(400);
        (await TypesAsync()).ShouldContain("sede");
    }

    [Fact]
    public async Task The_complete_address_shows_the_code_to_be_compared_and_asks_for_confirmation()
    {
        var device = await BeginAsync();
        using var browser = await vault.SignedInBrowserAsync();
        var page = await browser.GoAsync(device.Begun["verification_uri_complete"]!);
        Device.TextOf(page).ShouldContain(device.UserCode);
        page.Html.ShouldNotContain("<script");
        (await device.AskAsync()).ShouldBeRefused(403, "authorization_pending");

        // Also of a user who has consented before, and to a client of one's own: the code may be somebody else's.
        var consent = await browser.SubmitAsync(page, new Dictionary<string, string>());
        Device.TextOf(consent).ShouldContain("Allow Television");
        (await Device.AnswerAsync(browser, consent, "allow")).Html.ShouldContain("Device connected");
        (await device.AskAsync()).ShouldBeGranted();
    }

    [Fact]
    public async Task What_the_user_denies_is_denied_for_good_user_rejects_authentication()
    {
        var device = await BeginAsync();
        using var browser = await vault.SignedInBrowserAsync();
        var consent = await EnterAsync(device, browser);
        (await Device.AnswerAsync(browser, consent, "deny")).Html.ShouldContain("Device refused");

        (await device.AskAsync()).ShouldBeRefused(403, "access_denied");
        (await device.AskAsync()).ShouldBeRefused(403, "access_denied");
        (await Device.AnswerAsync(browser, consent, "allow")).Status.ShouldBe(400);
        (await EnterAsync(device, browser)).Status.ShouldBe(400);
        (await TypesAsync()).ShouldContain("fede");
    }

    [Fact]
    public async Task After_a_quarter_of_an_hour_it_is_too_late_for_the_user_and_for_the_device()
    {
        var (waiting, allowed) = (await BeginAsync(), await BeginAsync());
        using var browser = await vault.SignedInBrowserAsync();
        await Device.AnswerAsync(browser, await EnterAsync(allowed, browser), "allow");
        vault.Server.Clock.Advance(TimeSpan.FromMinutes(14));
        var consent = await EnterAsync(waiting, browser);
        (await waiting.AskAsync()).ShouldBeRefused(403, "authorization_pending");
        vault.Server.Clock.Advance(TimeSpan.FromMinutes(1));

        (await Device.AnswerAsync(browser, consent, "allow")).Status.ShouldBe(400);
        (await EnterAsync(waiting, browser)).Status.ShouldBe(400);
        (await waiting.AskAsync()).ShouldBeRefused(403, "expired_token");
        (await allowed.AskAsync()).ShouldBeRefused(403, "expired_token");
        vault.Server.Clock.Advance(TimeSpan.FromHours(1));
        (await waiting.AskAsync()).ShouldBeRefused(403, "invalid_grant");
    }

    [Fact]
    public async Task Whoever_asks_too_often_has_to_wait_longer_each_time()
    {
        var device = await BeginAsync();
        (await device.AskAsync()).ShouldBeRefused(403, "authorization_pending");
        vault.Server.Clock.Advance(TimeSpan.FromSeconds(5));
        (await device.AskAsync()).ShouldBeRefused(403, "authorization_pending");
        vault.Server.Clock.Advance(TimeSpan.FromSeconds(2));
        var slower = await device.AskAsync();
        slower.ShouldBeRefused(429, "slow_down");
        slower.Header("Retry-After").ShouldBe("10");
        vault.Server.Clock.Advance(TimeSpan.FromSeconds(6));
        (await device.AskAsync()).ShouldBeRefused(429, "slow_down");
        vault.Server.Clock.Advance(TimeSpan.FromSeconds(15));
        (await device.AskAsync()).ShouldBeRefused(403, "authorization_pending");
    }

    [Fact]
    public async Task Devices_that_wait_behind_one_address_do_not_lock_each_other_out()
    {
        var devices = await Task.WhenAll(Enumerable.Range(0, 25).Select(_ => BeginAsync()));
        for (var round = 0; round < 10; round++)
        {
            var answers = await Task.WhenAll(devices.Select(device => device.AskAsync()));
            answers.ShouldAllBe(answer => answer["error"] == "authorization_pending");
            vault.Server.Clock.Advance(TimeSpan.FromSeconds(5));
        }
    }

    [Fact]
    public async Task T_CF_01_The_user_code_cannot_be_guessed_and_the_page_of_another_browser_is_not_taken()
    {
        var device = await BeginAsync();
        using var browser = await vault.SignedInBrowserAsync();
        for (var guess = 0; guess < 10; guess++)
        {
            (await EnterAsync(device, browser, "BCDF-GHJ" + "KLMNPQRSTV"[guess])).Status.ShouldBe(400);
        }

        (await EnterAsync(device, browser)).Status.ShouldBe(429);
        vault.Server.Clock.Advance(TimeSpan.FromSeconds(61));
        var consent = await EnterAsync(device, browser);
        using var other = await vault.SignedInBrowserAsync();
        (await other.SubmitAsync(consent, new Dictionary<string, string> { ["action"] = "allow" })).Status.ShouldBe(400);
        (await device.AskAsync()).ShouldBeRefused(403, "authorization_pending");

        var rows = await vault.Server.Storage.ListRowsAsync(DeviceRequest.Kind, null, CancellationToken.None);
        rows.ShouldAllBe(row => !System.Text.Encoding.UTF8.GetString(row.Body).Contains(device.UserCode.Replace("-", ""), StringComparison.Ordinal));
        rows.ShouldAllBe(row => row.Id != device.DeviceCode);
    }

    [Fact]
    public async Task Whoever_signs_out_before_the_answer_or_is_blocked_after_it_lets_nothing_in()
    {
        var (one, two) = (await BeginAsync(), await BeginAsync());
        using var browser = await vault.SignedInBrowserAsync();
        var consent = await EnterAsync(one, browser);
        await browser.GoAsync(vault.Issuer + "v2/logout");
        (await Device.AnswerAsync(browser, consent, "allow")).Status.ShouldBe(400);
        (await one.AskAsync()).ShouldBeRefused(403, "authorization_pending");

        await Device.AnswerAsync(browser, await EnterAsync(two, browser), "allow");
        await vault.BlockAsync(vault.UserId);
        (await two.AskAsync()).ShouldBeRefused(403, "access_denied");
        await vault.BlockAsync(vault.UserId, blocked: false);
    }

    [Theory]
    [InlineData("scope", "one\\two", 400, "invalid_scope")]
    [InlineData("audience", "https://nobody.example/", 403, "access_denied")]
    [InlineData("client_id", "nobody", 401, "invalid_client")]
    [InlineData("client_id", null, 401, "invalid_client")]
    [InlineData("client_secret", "x", 401, "invalid_client")]
    public async Task A_wrong_beginning_is_refused(string name, string? value, int status, string error)
    {
        var form = new Dictionary<string, string> { ["client_id"] = (await Device.ClientAsync(vault.Admin)).ClientId, ["scope"] = "openid" };
        form.Remove(name);
        if (value is not null)
        {
            form[name] = value;
        }

        (await vault.Api.FormAsync("oauth/device/code", form)).ShouldBeRefused(status, error);
    }

    [Fact]
    public async Task Clients_without_the_grant_and_other_clients_codes_are_refused()
    {
        var device = await BeginAsync();
        (await vault.Api.FormAsync("oauth/device/code", new Dictionary<string, string> { ["client_id"] = vault.Spa.Credentials.ClientId })).ShouldBeRefused(403, "unauthorized_client");
        (await (device with { Client = vault.Spa.Credentials }).AskAsync()).ShouldBeRefused(403, "unauthorized_client");
        (await (device with { Client = await Device.ClientAsync(vault.Admin) }).AskAsync()).ShouldBeRefused(403, "invalid_grant");
        (await device.AskAsync(code: "nothing")).ShouldBeRefused(403, "invalid_grant");
        (await vault.Api.FormAsync("oauth/token", new Dictionary<string, string> { ["grant_type"] = Wire.DeviceCode, ["client_id"] = device.Client.ClientId })).ShouldBeRefused(400, "invalid_request");
        var json = await vault.PostAsync("oauth/token", new JsonObject { ["grant_type"] = Wire.DeviceCode, ["client_id"] = device.Client.ClientId, ["device_code"] = 7 }.ToJsonString(), "application/json");
        json.ShouldBeRefused(400, "invalid_request");
    }

    [Fact]
    public async Task Nobody_gets_to_the_device_by_an_authorization_request()
    {
        var device = await BeginAsync();
        var row = (await vault.Server.Storage.ListRowsAsync(DeviceRequest.Kind, null, CancellationToken.None))[^1].Id;
        using var browser = await vault.SignedInBrowserAsync();
        foreach (var query in (string[])[$"?device:{row}", $"device:{row}", $"?client_id={device.Client.ClientId}&device={row}&response_type=code"])
        {
            (await browser.GoAsync(vault.Issuer + "authorize" + (query[0] == '?' ? query : "?" + query))).Status.ShouldBe(400);
        }
    }

    [Fact]
    public async Task Discovery_names_the_endpoint_and_the_grant()
    {
        var metadata = await vault.GetAsync(".well-known/openid-configuration");
        metadata["device_authorization_endpoint"].ShouldBe(vault.Issuer + "oauth/device/code");
        metadata.Json["grant_types_supported"]!.AsArray().ShouldContain(type => (string?)type == Wire.DeviceCode);
    }

    private async Task<Device> BeginAsync() =>
        await Device.BeginAsync(vault.Api, await Device.ClientAsync(await vault.RenewAdminAsync()), OAuthVault.Audience, "openid offline_access read:calendar");

    private static Task<Visit> EnterAsync(Device device, Browser browser, string? code = null) =>
        device.EnterAsync(browser, OAuthVault.Email, OAuthVault.Password, code);

    private async Task<List<string?>> TypesAsync() =>
        [.. (await vault.Server.Storage.ReadAuditAsync(0, 10_000, CancellationToken.None)).Select(row => (string?)JsonNode.Parse(row.Body)!["type"])];
}
