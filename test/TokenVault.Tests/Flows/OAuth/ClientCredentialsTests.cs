using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;

namespace TokenVault.Tests.Flows.OAuth;

/// <summary>A client for itself.</summary>
public sealed class ClientCredentialsTests(OAuthVault vault) : IClassFixture<OAuthVault>
{
    [Fact]
    public async Task It_gets_all_that_it_was_granted_and_nothing_of_a_users()
    {
        var client = await MachineAsync("read:calendar");
        var answer = await GrantAsync(client, ("audience", OAuthVault.Audience));

        answer.ShouldBeGranted();
        answer.Json.AsObject().Select(member => member.Key).Order().ShouldBe(["access_token", "expires_in", "scope", "token_type"]);
        answer["scope"].ShouldBe("read:calendar");
        answer.Json["expires_in"]!.GetValue<int>().ShouldBe(86_400);
        var claims = await vault.VerifiedClaimsAsync(answer["access_token"]);
        ((string?)claims["sub"]).ShouldBe(client.Credentials.ClientId + "@clients");
        ((string?)claims["azp"]).ShouldBe(client.Credentials.ClientId);
        ((string?)claims["gty"]).ShouldBe("client-credentials");
        ((string?)claims["aud"]).ShouldBe(OAuthVault.Audience);
        ((string?)claims["scope"]).ShouldBe("read:calendar");
    }

    [Theory]
    [InlineData("read:calendar", "read:calendar")]
    [InlineData("openid offline_access read:calendar", "read:calendar")]
    public async Task It_gets_what_it_asks_for_of_what_it_was_granted(string asked, string granted)
    {
        var client = await MachineAsync("read:calendar", "write:calendar");
        var answer = await GrantAsync(client, ("audience", OAuthVault.Audience), ("scope", asked));

        answer.ShouldBeGranted();
        answer["scope"].ShouldBe(granted);
    }

    [Fact]
    public async Task A_grant_of_nothing_is_a_token_for_nothing()
    {
        var answer = await GrantAsync(await MachineAsync(), ("audience", OAuthVault.Audience));

        answer.ShouldBeGranted();
        answer.ScopesOf().ShouldBeEmpty();
    }

    [Fact]
    public async Task An_unknown_audience_and_a_missing_one_are_refused()
    {
        var client = await MachineAsync("read:calendar");

        var unknown = await GrantAsync(client, ("audience", "https://nowhere.example/api"));
        unknown.ShouldBeRefused(403, "access_denied");
        unknown["error_description"].ShouldBe("Service not found: https://nowhere.example/api");
        (await GrantAsync(client)).ShouldBeRefused(400, "invalid_request");
    }

    [Fact]
    public async Task Without_a_grant_the_refusal_is_the_one_that_clients_know()
    {
        var client = new Application(vault.Api, Credentials.Of(await vault.Admin.CreateAsync("clients", new JsonObject { ["name"] = "None", ["app_type"] = "non_interactive" })));

        foreach (var audience in (string[])[OAuthVault.Audience, vault.Issuer + "api/v2/", vault.Issuer + "me/"])
        {
            var answer = await GrantAsync(client, ("audience", audience));
            answer.ShouldBeRefused(403, "access_denied");
            answer["error_description"].ShouldBe($"Client \"{client.Credentials.ClientId}\" is not authorized to access resource server \"{audience}\".");
        }
    }

    [Fact]
    public async Task T_ST_11_A_grant_that_is_taken_away_ends_it_at_once()
    {
        var client = await MachineAsync("read:calendar");
        var grants = await vault.Admin.GetAsync("client-grants?client_id=" + client.Credentials.ClientId);
        (await vault.Admin.DeleteAsync("client-grants/" + grants.Json[0]!["id"])).Status.ShouldBe(204);

        (await GrantAsync(client, ("audience", OAuthVault.Audience))).ShouldBeRefused(403, "access_denied");
    }

    [Fact]
    public async Task A_users_grant_is_not_the_clients()
    {
        (await GrantAsync(await vault.ClientAsync("For users", Grants()), ("audience", vault.Issuer + "me/"))).ShouldBeRefused(403, "access_denied");
    }

    [Fact]
    public async Task A_public_client_has_no_credentials()
    {
        var client = await vault.PublicClientAsync("Public", Grants());

        (await GrantAsync(client, ("audience", OAuthVault.Audience))).ShouldBeRefused(403, "unauthorized_client");
    }

    [Fact]
    public async Task Its_token_is_nobodys_at_userinfo_and_my_account()
    {
        var answer = await GrantAsync(await MachineAsync("read:calendar"), ("audience", OAuthVault.Audience), ("scope", "openid read:calendar"));

        (await vault.GetAsync("userinfo", answer["access_token"])).Status.ShouldBe(401);
        (await vault.GetAsync("me/v1/connected-accounts/accounts", answer["access_token"])).Status.ShouldBe(401);
    }

    private static JsonObject Grants() => new() { ["grant_types"] = new JsonArray(Wire.ClientCredentials) };

    private async Task<Application> MachineAsync(params string[] scopes)
    {
        var client = Credentials.Of(await vault.Admin.CreateAsync("clients", new JsonObject { ["name"] = "Machine", ["app_type"] = "non_interactive" }));
        await vault.Admin.CreateAsync("client-grants", new JsonObject
        {
            ["client_id"] = client.ClientId,
            ["audience"] = OAuthVault.Audience,
            ["scope"] = new JsonArray([.. scopes.Select(scope => JsonValue.Create(scope))]),
        });
        return new Application(vault.Api, client);
    }

    private Task<Answer> GrantAsync(Application client, params (string Name, string? Value)[] more) =>
        vault.TokenAsync(client, [("grant_type", Wire.ClientCredentials), .. more]);
}
