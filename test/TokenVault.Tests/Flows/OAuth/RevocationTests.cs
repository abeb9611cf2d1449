using TokenVault.Server.Demo;

namespace TokenVault.Tests.Flows.OAuth;

/// <summary>Revocation (RFC 7009).</summary>
public sealed class RevocationTests(OAuthVault vault) : IClassFixture<OAuthVault>
{
    [Theory]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("application/json")]
    public async Task A_refresh_token_is_withdrawn_by_a_form_or_JSON(string type)
    {
        var token = (await vault.SignInAsync(vault.Web))["refresh_token"]!;

        var answer = await RevokeAsync(vault.Web.Credentials, token, type);

        ShouldBeDone(answer);
        (await vault.RefreshAsync(vault.Web, token)).ShouldBeRefused(403, "invalid_grant");
        ShouldBeDone(await RevokeAsync(vault.Web.Credentials, token, type));
    }

    [Fact]
    public async Task Any_generation_withdraws_the_whole_family_of_a_rotating_token()
    {
        var first = (await vault.SignInAsync(vault.Spa))["refresh_token"]!;
        var second = (await vault.RefreshAsync(vault.Spa, first))["refresh_token"]!;

        ShouldBeDone(await RevokeAsync(vault.Spa.Credentials, first));

        (await vault.RefreshAsync(vault.Spa, second)).ShouldBeRefused(403, "invalid_grant");
    }

    [Theory]
    [InlineData("no-such-token")]
    [InlineData("v1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("eyJhbGciOiJSUzI1NiJ9.e30.AAAA")]
    public async Task An_unknown_token_is_no_error(string token) => ShouldBeDone(await RevokeAsync(vault.Web.Credentials, token));

    [Fact]
    public async Task An_access_token_is_no_error_either()
    {
        var tokens = await vault.SignInAsync(vault.Web);

        ShouldBeDone(await RevokeAsync(vault.Web.Credentials, tokens["access_token"]!));
        (await vault.RefreshAsync(vault.Web, tokens["refresh_token"])).ShouldBeGranted();
    }

    [Fact]
    public async Task Another_clients_token_is_left_alone()
    {
        var token = (await vault.SignInAsync(vault.Spa))["refresh_token"]!;

        ShouldBeDone(await RevokeAsync(vault.Web.Credentials, token));

        (await vault.RefreshAsync(vault.Spa, token)).ShouldBeGranted();
    }

    [Fact]
    public async Task The_client_must_prove_itself()
    {
        var token = (await vault.SignInAsync(vault.Web))["refresh_token"]!;
        var id = vault.Web.Credentials.ClientId;

        (await RevokeAsync(new Credentials(id, "wrong"), token)).ShouldBeRefused(401, "invalid_client");
        (await RevokeAsync(new Credentials("nobody", "wrong"), token)).ShouldBeRefused(401, "invalid_client");
        (await vault.PostAsync("oauth/revoke", $"client_id={id}&token={token}")).ShouldBeRefused(401, "invalid_client");
        (await vault.RefreshAsync(vault.Web, token)).ShouldBeGranted();
    }

    [Fact]
    public async Task The_client_may_prove_itself_by_the_header()
    {
        var token = (await vault.SignInAsync(vault.Web))["refresh_token"]!;
        var (id, secret) = (vault.Web.Credentials.ClientId, vault.Web.Credentials.ClientSecret);
        var basic = "Basic " + Convert.ToBase64String(System.Text.Encoding.ASCII.GetBytes($"{id}:{secret}"));

        ShouldBeDone(await vault.PostAsync("oauth/revoke", $"token={token}&token_type_hint=refresh_token&client_id={id}", authorization: basic));
        (await vault.RefreshAsync(vault.Web, token)).ShouldBeRefused(403, "invalid_grant");
    }

    [Theory]
    [InlineData("token=")]
    [InlineData("")]
    [InlineData("token=a&token=b")]
    [InlineData("token=a%00")]
    public async Task A_malformed_request_is_refused(string body)
    {
        var (id, secret) = (vault.Web.Credentials.ClientId, vault.Web.Credentials.ClientSecret);

        (await vault.PostAsync("oauth/revoke", $"client_id={id}&client_secret={secret}&{body}")).ShouldBeRefused(400, "invalid_request");
    }

    [Fact]
    public async Task A_token_of_the_wrong_type_is_refused()
    {
        var body = $$"""{"client_id":"{{vault.Web.Credentials.ClientId}}","client_secret":"{{vault.Web.Credentials.ClientSecret}}","token":["a"]}""";

        (await vault.PostAsync("oauth/revoke", body, "application/json")).ShouldBeRefused(400, "invalid_request");
    }

    [Fact]
    public async Task Sixteen_at_once_are_all_good_while_the_token_rotates()
    {
        var first = (await vault.SignInAsync(vault.Spa))["refresh_token"]!;
        var last = first;
        var refreshing = Task.Run(async () =>
        {
            for (var answer = await vault.RefreshAsync(vault.Spa, first); answer.Status == 200; answer = await vault.RefreshAsync(vault.Spa, last))
            {
                last = answer["refresh_token"]!;
            }
        });

        var answers = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => RevokeAsync(vault.Spa.Credentials, first)));

        await refreshing.WaitAsync(TimeSpan.FromSeconds(30));
        answers.ShouldAllBe(answer => answer.Status == 200);
        (await vault.RefreshAsync(vault.Spa, last)).ShouldBeRefused(403, "invalid_grant");
    }

    private Task<Answer> RevokeAsync(Credentials client, string token, string type = "application/x-www-form-urlencoded")
    {
        var secret = client.ClientSecret.Length == 0 ? null : client.ClientSecret;
        var body = type == "application/json"
            ? $$"""{"client_id":"{{client.ClientId}}",{{(secret is null ? "" : $"\"client_secret\":\"{secret}\",")}}"token":"{{token}}"}"""
            : $"client_id={client.ClientId}{(secret is null ? "" : "&client_secret=" + secret)}&token={Uri.EscapeDataString(token)}";
        return vault.PostAsync("oauth/revoke", body, type);
    }

    private static void ShouldBeDone(Answer answer)
    {
        answer.Status.ShouldBe(200, answer.Text);
        answer.Text.ShouldBeEmpty();
        answer.Header("Cache-Control").ShouldBe("no-store");
        answer.Header("WWW-Authenticate").ShouldBeNull();
    }
}
