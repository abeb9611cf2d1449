using System.Text.Json.Nodes;
using TokenVault.Server.Protocol;
using TokenVault.Tests.Flows.OAuth;

namespace TokenVault.Tests.Flows.Delegation;

/// <summary>Delegation and impersonation (RFC 8693 §1.1, §4.1, §4.4).</summary>
public sealed class ActorTokenTests(DelegationScene scene) : IClassFixture<DelegationScene>
{
    [Fact]
    public async Task An_agent_acts_for_its_user_and_the_token_says_so()
    {
        var (app, user) = await scene.NewAppAsync();
        var answer = await DelegationScene.ExchangeAsync(app, user.AccessToken, more: DelegationScene.Actor(await scene.OwnTokenAsync(app)));
        var claims = answer.ShouldBeExchanged();
        var id = app.Credentials.ClientId;
        ((string?)claims["sub"], (string?)claims["azp"]).ShouldBe((user.Id, id));
        claims["act"]!.ToJsonString().ShouldBe($$"""{"sub":"{{id}}","client_id":"{{id}}"}""");
        var row = (await scene.AuditAsync("secte", user.Id)).ShouldHaveSingleItem();
        ((string?)row["details"]!["actor_token_type"], (string?)row["details"]!["issued_token_type"]).ShouldBe((Wire.AccessTokenType, Wire.AccessTokenType));
    }

    [Theory]
    [InlineData(Wire.AccessTokenType)]
    [InlineData(Wire.IdTokenType)]
    [InlineData(Wire.JwtType)]
    public async Task Another_user_of_the_client_may_act(string type)
    {
        var (app, user) = await scene.NewAppAsync();
        var helper = await scene.NewUserAsync(app);
        var actor = type == Wire.IdTokenType ? helper.IdToken! : helper.AccessToken;
        var claims = (await DelegationScene.ExchangeAsync(app, user.AccessToken, more: DelegationScene.Actor(actor, type))).ShouldBeExchanged();
        ((string?)claims["sub"], (string?)claims["act"]!["sub"], (string?)claims["act"]!["client_id"]).ShouldBe((user.Id, helper.Id, app.Credentials.ClientId));

        // Of a chain, only the last actor's word counts; a delegated token is nobody's to act with.
        var delegated = scene.Resign(helper.AccessToken, claims => claims["act"] = DelegationScene.Chain("someone"));
        (await DelegationScene.ExchangeAsync(app, user.AccessToken, more: DelegationScene.Actor(delegated))).ShouldBeRefused(400, "invalid_request");
    }

    [Fact]
    public async Task Nobody_takes_a_users_place_unless_the_client_may()
    {
        var (app, user) = await scene.NewAppAsync();
        (await DelegationScene.ExchangeAsync(app, user.AccessToken)).ShouldBeRefused(403, "unauthorized_client");
        (await DelegationScene.ExchangeAsync(app, user.IdToken!, more: OfType(Wire.IdTokenType))).ShouldBeRefused(403, "unauthorized_client");
        (await scene.AuditAsync("fecte", user.Id)).Count.ShouldBe(2);

        await scene.MayExchangeAsync(app, DelegationScene.Impersonation());
        var claims = (await DelegationScene.ExchangeAsync(app, user.AccessToken)).ShouldBeExchanged();
        ((string?)claims["sub"], claims.ContainsKey("act")).ShouldBe((user.Id, false));

        // What was delegated stays so.
        var delegated = scene.Resign(user.AccessToken, claims => claims["act"] = DelegationScene.Chain("someone"));
        DelegationScene.ActorsOf((await DelegationScene.ExchangeAsync(app, delegated))["access_token"]).ShouldBe(["someone"]);
    }

    [Fact]
    public async Task An_id_token_grants_nothing_but_what_an_operator_has()
    {
        var (app, user) = await scene.NewAppAsync(DelegationScene.Impersonation());
        var first = await DelegationScene.ExchangeAsync(app, user.IdToken!, more: OfType(Wire.IdTokenType));
        first.ShouldBeExchanged();
        first["scope"].ShouldBeNull();
        await (await scene.AdminAsync()).CreateAsync("client-grants", new JsonObject
        {
            ["client_id"] = app.Credentials.ClientId,
            ["audience"] = DelegationScene.Events,
            ["scope"] = new JsonArray("write:events"),
            ["subject_type"] = "user",
        });
        (await DelegationScene.ExchangeAsync(app, user.IdToken!, more: OfType(Wire.JwtType)))["scope"].ShouldBe("write:events");
        (await DelegationScene.ExchangeAsync(app, user.AccessToken))["scope"].ShouldBe(DelegationScene.ReadCalendar);
    }

    public static TheoryData<string, bool> MayActs { get; } = new()
    {
        { """{"sub":"@app"}""", true },
        { """{"client_id":"@app"}""", true },
        { """{"sub":"@app","client_id":"@app","iss":"@iss"}""", true },
        { """{"sub":"another"}""", false },
        { """{"sub":"@app","client_id":"another"}""", false },
        { """{"sub":"@app","iss":"https://other.example/"}""", false },
        { """{"sub":"@app","email":"agent@example.com"}""", false },
        { """{"sub":["@app"]}""", false },
        { """{"iss":"@iss"}""", false },
        { "{}", false },
        { "\"@app\"", false },
        { "null", false },
    };

    [Theory]
    [MemberData(nameof(MayActs))]
    public async Task Who_may_act_is_who_the_subject_token_names(string mayAct, bool allowed)
    {
        var (app, user) = await scene.NewAppAsync(DelegationScene.Impersonation());
        var json = mayAct.Replace("@app", app.Credentials.ClientId, StringComparison.Ordinal).Replace("@iss", scene.Vault.Issuer, StringComparison.Ordinal);
        var token = scene.Resign(user.AccessToken, claims => claims["may_act"] = JsonNode.Parse(json));

        // As an actor, and in the user's place: which would be a way around it.
        foreach (var more in (JsonObject[])[DelegationScene.Actor(await scene.OwnTokenAsync(app)), []])
        {
            var answer = await DelegationScene.ExchangeAsync(app, token, more: more);
            if (!allowed)
            {
                answer.ShouldBeRefused(400, "invalid_request");
                continue;
            }

            answer.ShouldBeExchanged()["may_act"]!.ToJsonString().ShouldBe(json);
        }
    }

    [Fact]
    public async Task An_API_that_may_act_does_not_name_does_not_act()
    {
        var user = await scene.NewUserAsync();
        var token = scene.Resign(user.AccessToken, claims => claims["may_act"] = new JsonObject { ["sub"] = scene.EventsClient.Credentials.ClientId });
        (await DelegationScene.ExchangeAsync(scene.ApiClient, token)).ShouldBeRefused(400, "invalid_request");
    }

    private static JsonObject OfType(string type) => new() { ["subject_token_type"] = type };
}
