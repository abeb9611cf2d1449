using System.Text.Json.Nodes;
using TokenVault.Server.Demo;

namespace TokenVault.Tests.Flows.OAuth;

/// <summary>One refresh token for several APIs (contract §3.1).</summary>
public sealed class MultiResourceTests(OAuthVault vault) : IClassFixture<OAuthVault>, IAsyncLifetime
{
    private const string Tasks = "https://tasks.example/api";
    private const string Unlisted = "https://unlisted.example/api";

    private string Me => vault.Issuer + "me/";

    private Application _client = null!;
    private string _token = null!;

    public async Task InitializeAsync()
    {
        if ((await vault.Admin.GetAsync("resource-servers/" + Uri.EscapeDataString(Tasks))).Status == 404)
        {
            await vault.CreateApiAsync(Tasks);
            await vault.CreateApiAsync(Unlisted);
        }

        _client = await vault.ClientAsync("Suite", Policies((Me, ["create:me:connected_accounts", "read:me:connected_accounts"]), (Tasks, ["read:calendar", "no:such"]), (OAuthVault.Audience, ["write:calendar"])));
        _token = (await vault.SignInAsync(_client, "openid profile offline_access read:calendar"))["refresh_token"]!;
    }

    public Task DisposeAsync() => Task.CompletedTask;

    [Fact]
    public async Task Without_an_audience_it_is_the_original_one_with_its_policys_scopes()
    {
        var answer = await vault.RefreshAsync(_client, _token);

        AudienceOf(answer).ShouldBe([OAuthVault.Audience, vault.Issuer + "userinfo"]);
        answer.ScopesOf().ShouldBe(["openid", "profile", "offline_access", "read:calendar", "write:calendar"], ignoreOrder: true);
        (await vault.RefreshAsync(_client, _token, ("audience", OAuthVault.Audience)))["scope"].ShouldBe(answer["scope"]);
    }

    [Fact]
    public async Task An_audience_of_the_policies_gets_a_token_for_it_alone()
    {
        var answer = await vault.RefreshAsync(_client, _token, ("audience", Tasks));

        answer.ShouldBeGranted();
        AudienceOf(answer).ShouldNotContain(OAuthVault.Audience);
        AudienceOf(answer).ShouldContain(Tasks);
        answer.ScopesOf().ShouldContain("read:calendar");
        answer.ScopesOf().ShouldNotContain("write:calendar");
        answer.ScopesOf().ShouldNotContain("no:such");
    }

    [Fact]
    public async Task The_My_Account_API_is_reached_the_way_SDKs_do_it()
    {
        var answer = await vault.RefreshAsync(_client, _token, ("audience", Me), ("scope", "openid profile offline_access create:me:connected_accounts"));

        answer.ShouldBeGranted();
        answer.ScopesOf().ShouldContain("create:me:connected_accounts");
        answer.ScopesOf().ShouldNotContain("read:me:connected_accounts");
        (await vault.GetAsync("me/v1/connected-accounts/accounts", answer["access_token"])).Status.ShouldBe(403);
        var reading = await vault.RefreshAsync(_client, _token, ("audience", Me), ("scope", "read:me:connected_accounts"));
        (await vault.GetAsync("me/v1/connected-accounts/accounts", reading["access_token"])).Status.ShouldBe(200);
    }

    [Theory]
    [InlineData("read:calendar", "read:calendar")]
    [InlineData("read:calendar write:calendar unknown", "read:calendar")]
    [InlineData("unknown", null)]
    public async Task Scopes_are_cut_to_what_the_policy_has_and_wrong_ones_are_left_out(string asked, string? granted)
    {
        var answer = await vault.RefreshAsync(_client, _token, ("audience", Tasks), ("scope", asked));

        answer.ShouldBeGranted();
        answer["scope"].ShouldBe(granted);
    }

    [Theory]
    [InlineData(Unlisted)]
    [InlineData("https://nowhere.example/api")]
    [InlineData("https://tasks.example/api/")]
    [InlineData("HTTPS://tasks.example/api")]
    [InlineData("{issuer}me")]
    [InlineData("{issuer}api/v2/")]
    public async Task An_audience_that_is_in_no_policy_is_refused(string audience)
    {
        var answer = await vault.RefreshAsync(_client, _token, ("audience", audience.Replace("{issuer}", vault.Issuer, StringComparison.Ordinal)));

        answer.ShouldBeRefused(403, "access_denied");
    }

    [Fact]
    public async Task The_Management_API_cannot_be_put_into_a_policy()
    {
        var answer = await vault.Admin.PatchAsync("clients/" + _client.Credentials.ClientId, Policies((vault.Issuer + "api/v2/", ["read:users"])));

        answer.Status.ShouldBe(400);
    }

    [Fact]
    public async Task A_third_party_client_gets_no_more_than_the_user_allowed_it()
    {
        await vault.Admin.PatchAsync("clients/" + _client.Credentials.ClientId, new JsonObject { ["is_first_party"] = false });

        (await vault.RefreshAsync(_client, _token, ("audience", Tasks))).ShouldBeRefused(403, "access_denied");
        (await vault.RefreshAsync(_client, _token, ("audience", Me))).ShouldBeRefused(403, "access_denied");
        (await vault.RefreshAsync(_client, _token)).ScopesOf().ShouldNotContain("write:calendar");
    }

    [Fact]
    public async Task An_API_that_wants_consent_from_every_client_is_not_reached()
    {
        const string careful = "https://careful.example/api";
        await vault.CreateApiAsync(careful, new JsonObject { ["skip_consent_for_verifiable_first_party_clients"] = false });
        await vault.Admin.PatchAsync("clients/" + _client.Credentials.ClientId, Policies((careful, ["read:calendar"])));

        (await vault.RefreshAsync(_client, _token, ("audience", careful))).ShouldBeRefused(403, "access_denied");
    }

    [Fact]
    public async Task T_ST_11_A_policy_that_is_taken_away_ends_it_at_once()
    {
        await vault.Admin.PatchAsync("clients/" + _client.Credentials.ClientId, Policies());

        (await vault.RefreshAsync(_client, _token, ("audience", Tasks))).ShouldBeRefused(403, "access_denied");
        (await vault.RefreshAsync(_client, _token)).ScopesOf().ShouldNotContain("write:calendar");
    }

    [Fact]
    public async Task Without_the_users_client_grant_the_refusal_is_the_one_that_clients_know()
    {
        var grants = await vault.Admin.GetAsync("client-grants?client_id=" + _client.Credentials.ClientId);
        (await vault.Admin.DeleteAsync("client-grants/" + grants.Json[0]!["id"])).Status.ShouldBe(204);

        var answer = await vault.RefreshAsync(_client, _token, ("audience", Me));

        answer.ShouldBeRefused(403, "access_denied");
        answer["error_description"].ShouldBe($"Client \"{_client.Credentials.ClientId}\" is not authorized to access resource server \"{Me}\".");
    }

    [Fact]
    public async Task It_works_with_rotation_too()
    {
        var body = Policies((Tasks, ["read:calendar"]));
        body["refresh_token"]!["rotation_type"] = "rotating";
        var client = await vault.ClientAsync("Rotating suite", body);
        var first = (await vault.SignInAsync(client))["refresh_token"];

        var second = await vault.RefreshAsync(client, first, ("audience", Tasks));
        var third = await vault.RefreshAsync(client, second["refresh_token"]);

        AudienceOf(second).ShouldContain(Tasks);
        AudienceOf(third).ShouldContain(OAuthVault.Audience);
    }

    [Fact]
    public async Task A_refusal_does_not_use_a_rotating_token_up()
    {
        var first = (await vault.SignInAsync(vault.Spa))["refresh_token"];

        (await vault.RefreshAsync(vault.Spa, first, ("audience", Unlisted))).ShouldBeRefused(403, "access_denied");

        (await vault.RefreshAsync(vault.Spa, first)).ShouldBeGranted();
    }

    private static JsonObject Policies(params (string Audience, string[] Scopes)[] policies) => new()
    {
        ["refresh_token"] = new JsonObject
        {
            ["rotation_type"] = "non-rotating",
            ["expiration_type"] = "non-expiring",
            ["policies"] = new JsonArray([.. policies.Select(policy => new JsonObject
            {
                ["audience"] = policy.Audience,
                ["scope"] = new JsonArray([.. policy.Scopes.Select(scope => JsonValue.Create(scope))]),
            })]),
        },
    };

    private static string[] AudienceOf(Answer answer)
    {
        answer.ShouldBeGranted();
        var audience = Answers.Claims(answer["access_token"])["aud"]!;
        return audience is JsonArray list ? [.. list.Select(value => (string)value!)] : [(string)audience!];
    }
}
