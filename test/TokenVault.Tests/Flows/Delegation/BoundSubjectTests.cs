using System.Text.Json.Nodes;
using TokenVault.Server.Protocol;
using TokenVault.Tests.Flows.OAuth;
using TokenVault.Tests.Flows.Possession;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Flows.Delegation;

/// <summary>Subject tokens that are bound to a key, and tokens that are bound to the caller's (decision 0009).</summary>
public sealed class BoundSubjectTests(PossessionScene scene) : IClassFixture<PossessionScene>
{
    [Fact]
    public async Task T_CA_10_a_bound_subject_token_takes_a_proof_of_its_key_and_the_new_one_is_bound_to_the_callers()
    {
        var admin = await scene.AdminAsync();
        (await admin.PatchAsync("clients/" + scene.ApiClient.Credentials.ClientId, new JsonObject { ["grant_types"] = new JsonArray(Wire.TokenExchange) })).Status.ShouldBe(200);
        await admin.CreateAsync("resource-servers", new JsonObject { ["identifier"] = DelegationScene.Events, ["name"] = "Events", ["scopes"] = new JsonArray(new JsonObject { ["value"] = "read:calendar" }) });
        var user = await scene.NewUserAsync();
        var (key, own) = (scene.NewKey(), scene.NewKey());
        var token = (await scene.SignInAsync(user, key))["access_token"]!;
        own.Nonce = key.Nonce;
        const string called = VaultScene.Api + "events";
        foreach (var wrong in (string?[])[null, "x", own.Proof("GET", called, token), key.Proof("GET", called), key.Proof("GET", scene.TokenUri, token)])
        {
            (await scene.TokenAsync(null, Form(token, wrong))).ShouldBeRefused(400, "invalid_request");
        }

        (await scene.TokenAsync(own, Form(token, proof: null))).ShouldBeRefused(400, "invalid_request");
        (await scene.TokenAsync(null, Form(token, key.Proof("GET", called, token)))).ShouldBeExchanged();
        var bound = await scene.TokenAsync(own, Form(token, key.Proof("GET", called, token)));
        bound.ShouldBeBoundTo(own);
        bound["issued_token_type"].ShouldBe(Wire.AccessTokenType);
        (await scene.TokenAsync(null, Form(user.AccessToken, proof: null))).ShouldBeExchanged();
    }

    private Dictionary<string, string> Form(string token, string? proof)
    {
        var form = new Dictionary<string, string>
        {
            ["grant_type"] = Wire.TokenExchange,
            ["client_id"] = scene.ApiClient.Credentials.ClientId,
            ["client_secret"] = scene.ApiClient.Credentials.ClientSecret,
            ["subject_token"] = token,
            ["subject_token_type"] = Wire.AccessTokenType,
            ["audience"] = DelegationScene.Events,
        };
        if (proof is not null)
        {
            form["subject_token_proof"] = proof;
        }

        return form;
    }
}
