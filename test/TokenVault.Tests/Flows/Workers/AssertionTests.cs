using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;
using TokenVault.Tests.Flows.OAuth;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Flows.Workers;

/// <summary>Client authentication by <c>private_key_jwt</c>. These tests move the clock.</summary>
public sealed class AssertionTests(WorkerScene scene) : IClassFixture<WorkerScene>
{
    [Theory]
    [InlineData("RS256")]
    [InlineData("RS384")]
    [InlineData("PS256")]
    [InlineData("ES256")]
    public async Task A_client_proves_itself_by_a_key_of_each_algorithm(string alg)
    {
        var worker = await scene.NewWorkerAsync(alg: alg);
        (await worker.ExchangeAsync(scene.User.Id)).ShouldBeGranted();
    }

    [Fact]
    public async Task The_audience_is_the_issuer_or_the_token_endpoint_as_SDKs_send_it()
    {
        var worker = await scene.NewWorkerAsync();
        foreach (var audience in (string[])[scene.Vault.Issuer, scene.Vault.Issuer.TrimEnd('/'), scene.Vault.Issuer + "oauth/token"])
        {
            (await AuthenticateAsync(worker, worker.Assertion(claims => claims["aud"] = audience))).ShouldBeLetIn();
        }
    }

    [Fact]
    public async Task The_client_id_may_be_left_out_and_must_not_be_anothers()
    {
        var (worker, other) = (await scene.NewWorkerAsync(), await scene.NewWorkerAsync());
        (await AuthenticateAsync(worker, worker.Assertion(), ("client_id", null))).ShouldBeLetIn();
        (await AuthenticateAsync(worker, worker.Assertion(), ("client_id", other.ClientId))).ShouldBeRefused(401, "invalid_client");
        (await AuthenticateAsync(worker, worker.Assertion(claims => claims["iss"] = "no\0body"), ("client_id", null))).ShouldBeRefused(401, "invalid_client");
    }

    [Fact]
    public async Task It_authenticates_at_the_revocation_endpoint_too()
    {
        var worker = await scene.NewWorkerAsync();
        var form = Form(worker, worker.Assertion(), []);
        form["token"] = "v1.unknown";
        (await scene.Vault.Api.FormAsync("oauth/revoke", form)).Status.ShouldBe(200);
        (await scene.Vault.Api.FormAsync("oauth/revoke", form)).ShouldBeRefused(401, "invalid_client");
    }

    [Fact]
    public async Task T_CA_05_an_assertion_is_good_once_after_a_restart_and_in_any_company()
    {
        var worker = await scene.NewWorkerAsync();
        var assertion = worker.Assertion();
        (await AuthenticateAsync(worker, assertion)).ShouldBeLetIn();
        (await AuthenticateAsync(worker, assertion)).ShouldBeRefused(401, "invalid_client");
        await scene.Vault.RestartAsync();
        (await AuthenticateAsync(worker, assertion)).ShouldBeRefused(401, "invalid_client");

        // The same name in another JWT, and the same JWT under another spelling.
        var jti = Identifier.Secret();
        (await AuthenticateAsync(worker, worker.Assertion(claims => claims["jti"] = jti))).ShouldBeLetIn();
        (await AuthenticateAsync(worker, worker.Assertion(claims => { claims["jti"] = jti; claims["exp"] = scene.Clock.GetUtcNow().AddMinutes(30).ToUnixTimeSeconds(); }))).ShouldBeRefused(401, "invalid_client");
        (await AuthenticateAsync(worker, assertion + "=")).ShouldBeRefused(401, "invalid_client");

        // Names of other clients have nothing to do with it.
        (await AuthenticateAsync(await scene.NewWorkerAsync(), null, jti)).ShouldBeLetIn();
    }

    [Fact]
    public async Task T_CA_05_of_many_at_once_one_gets_in()
    {
        var worker = await scene.NewWorkerAsync();
        var assertion = worker.Assertion();
        var answers = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => AuthenticateAsync(worker, assertion)));
        answers.Count(answer => answer["error"] == "access_denied").ShouldBe(1);
    }

    [Fact]
    public async Task T_CA_12_the_kid_is_looked_up_among_the_clients_own_keys_only()
    {
        var (worker, other) = (await scene.NewWorkerAsync(), await scene.NewWorkerAsync());
        var admin = await scene.AdminAsync();
        var kid = (string)(await admin.GetAsync($"clients/{other.ClientId}/credentials")).Json[0]!["kid"]!;
        var own = (string)(await admin.GetAsync($"clients/{worker.ClientId}/credentials")).Json[0]!["kid"]!;

        (await AuthenticateAsync(worker, worker.Assertion(header: header => header["kid"] = own))).ShouldBeLetIn();
        (await AuthenticateAsync(worker, worker.Assertion(header: header => header["kid"] = kid))).ShouldBeRefused(401, "invalid_client");

        // Signed with the other client's key, under either name; and with the key that is for something else.
        foreach (var key in (WorkerKey[])[other.Authentication, worker.Subjects])
        {
            var forged = worker with { Authentication = key };
            (await AuthenticateAsync(forged, forged.Assertion(header: header => header["kid"] = kid))).ShouldBeRefused(401, "invalid_client");
            (await AuthenticateAsync(forged, forged.Assertion(header: header => header["kid"] = own))).ShouldBeRefused(401, "invalid_client");
            (await AuthenticateAsync(forged, forged.Assertion())).ShouldBeRefused(401, "invalid_client");
        }
    }

    [Fact]
    public async Task One_key_takes_the_others_place_without_a_kid_and_an_ended_one_proves_nothing()
    {
        var worker = await scene.NewWorkerAsync();
        var next = WorkerKey.Create("PS256");
        var admin = await scene.AdminAsync();
        var first = (string)(await admin.GetAsync($"clients/{worker.ClientId}/credentials")).Json[0]!["id"]!;
        var second = (string)(await admin.CreateAsync($"clients/{worker.ClientId}/credentials", next.Credential()))["id"]!;
        await scene.PatchAsync(worker, new JsonObject
        {
            ["client_authentication_methods"] = new JsonObject
            {
                ["private_key_jwt"] = new JsonObject { ["credentials"] = new JsonArray(new JsonObject { ["id"] = first }, new JsonObject { ["id"] = second }) },
            },
        });
        var renewed = worker with { Authentication = next };
        (await AuthenticateAsync(worker, worker.Assertion())).ShouldBeLetIn();
        (await AuthenticateAsync(renewed, renewed.Assertion())).ShouldBeLetIn();

        var end = scene.Clock.GetUtcNow().AddMinutes(5).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", null);
        (await admin.PatchAsync($"clients/{worker.ClientId}/credentials/{first}", new JsonObject { ["expires_at"] = end })).Status.ShouldBe(200);
        scene.Clock.Advance(TimeSpan.FromMinutes(6));
        (await AuthenticateAsync(worker, worker.Assertion())).ShouldBeRefused(401, "invalid_client");
        (await AuthenticateAsync(renewed, renewed.Assertion())).ShouldBeLetIn();
    }

    [Fact]
    public async Task T_CA_04_a_client_with_a_key_gets_in_by_nothing_else_and_a_bad_assertion_is_the_end()
    {
        var worker = await scene.NewWorkerAsync();
        var secret = (string)(await (await scene.AdminAsync()).PostAsync($"clients/{worker.ClientId}/rotate-secret", new JsonObject())).Json["client_secret"]!;
        (await AuthenticateAsync(worker, null, null, ("client_assertion", null), ("client_assertion_type", null), ("client_secret", secret))).ShouldBeRefused(401, "invalid_client");
        (await AuthenticateAsync(worker, worker.Assertion(), ("client_secret", secret))).ShouldBeRefused(400, "invalid_request");
        (await AuthenticateAsync(worker, worker.Assertion(), ("client_assertion_type", null))).ShouldBeRefused(401, "invalid_client");
        (await AuthenticateAsync(worker, worker.Assertion(), ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"))).ShouldBeRefused(401, "invalid_client");

        // A client with a secret is not let in by an assertion, nor by its secret beside one that does not verify.
        var app = scene.App.Credentials;
        var unsigned = $"{WorkerKey.Encode("""{"alg":"none"}""")}.{WorkerKey.Encode($$"""{"iss":"{{app.ClientId}}","sub":"{{app.ClientId}}"}""")}.";
        (await AuthenticateAsync(worker, unsigned, ("client_id", app.ClientId))).ShouldBeRefused(401, "invalid_client");
        (await AuthenticateAsync(worker, unsigned, ("client_id", app.ClientId), ("client_secret", app.ClientSecret))).ShouldBeRefused(400, "invalid_request");
    }

    [Fact]
    public async Task The_log_says_what_was_wrong_and_does_not_repeat_the_assertion()
    {
        var worker = await scene.NewWorkerAsync();
        var assertion = worker.Assertion(claims => claims["aud"] = "https://elsewhere.example/");
        (await worker.ExchangeAsync(scene.User.Id, ("client_assertion", assertion))).ShouldBeRefused(401, "invalid_client");
        var row = (await scene.AuditAsync("feta"))[^1];
        ((string?)row["description"]).ShouldBe("Wrong client credentials: the audience is another one");
        row.ToJsonString().ShouldNotContain(assertion[..40]);
    }

    private Task<Answer> AuthenticateAsync(Worker worker, string? assertion, params (string Name, string? Value)[] changes) =>
        AuthenticateAsync(worker, assertion, null, changes);

    /// <summary>Who gets in is told that there is no grant: <c>access_denied</c>.</summary>
    private Task<Answer> AuthenticateAsync(Worker worker, string? assertion, string? jti, params (string Name, string? Value)[] changes) =>
        scene.Vault.Api.FormAsync("oauth/token", Form(worker, assertion ?? worker.Assertion(claims => claims["jti"] = jti ?? Identifier.Secret()), changes));

    private static Dictionary<string, string> Form(Worker worker, string assertion, (string Name, string? Value)[] changes)
    {
        var form = worker.Request("unused", [("grant_type", Wire.ClientCredentials), ("audience", VaultScene.Api), ("client_assertion", assertion), .. changes]);
        form.Remove("subject_token");
        return form;
    }
}

internal static class AssertionAnswers
{
    public static void ShouldBeLetIn(this Answer answer) => answer.ShouldBeRefused(403, "access_denied");
}
