using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;
using TokenVault.Tests.Flows.Approvals;
using TokenVault.Tests.Flows.OAuth;
using TokenVault.Tests.Flows.Workers;

namespace TokenVault.Tests.Conformance;

/// <summary>FAPI-CIBA in poll mode with <c>private_key_jwt</c>; the request comes as a form, as this server takes no signed ones.</summary>
[Collection(ConformanceModules.Name)]
[Plan("fapi-ciba-id1-test-plan")]
public sealed class CibaTests(ConformanceScene scene) : IAsyncLifetime
{
    private FapiClient _client = null!;

    public async Task InitializeAsync()
    {
        await scene.Vault.RenewAdminAsync();
        _client = await ClientAsync();
    }

    public Task DisposeAsync() => Task.CompletedTask;

    [Module("fapi-ciba-id1-user-rejects-authentication")]
    public async Task fapi_ciba_id1_user_rejects_authentication()
    {
        var asked = await AskedAsync();
        await ApprovalScene.DenyAsync(scene.Browser, asked.Uri);
        (await PollAsync(asked)).ShouldBeRefused(400, "access_denied");
    }

    [Module("fapi-ciba-id1-multiple-call-to-token-endpoint")]
    public async Task fapi_ciba_id1_multiple_call_to_token_endpoint()
    {
        var asked = await AskedAsync();
        (await PollAsync(asked))["error"].ShouldBe("authorization_pending");
        for (var call = 0; call < 5; call++)
        {
            var answer = await PollAsync(asked);
            answer.Status.ShouldBe(400);
            answer["error"].ShouldBeOneOf("authorization_pending", "slow_down");
        }
    }

    [Module("fapi-ciba-id1-auth-req-id-expired")]
    public async Task fapi_ciba_id1_auth_req_id_expired()
    {
        var asked = await AskedAsync(("requested_expiry", "30"));
        scene.Wait(31);
        (await PollAsync(asked)).ShouldBeRefused(400, "expired_token");
    }

    [Module("fapi-ciba-id1-ensure-authorization-request-with-binding-message-succeeds")]
    public Task fapi_ciba_id1_ensure_authorization_request_with_binding_message_succeeds() => ApprovedAsync(("binding_message", "1234"));

    /// <summary>A server that cannot show it says so by an error of its own.</summary>
    [Module("fapi-ciba-id1-ensure-authorization-request-with-potentially-bad-binding-message")]
    public async Task fapi_ciba_id1_ensure_authorization_request_with_potentially_bad_binding_message() =>
        (await AskAsync(("binding_message", "1234 \U0001F44D\U0001F3FF 品川 " + new string('x', 100)))).ShouldBeRefused(400, "invalid_binding_message");

    [Module("fapi-ciba-id1-ensure-other-scope-order-succeeds")]
    public async Task fapi_ciba_id1_ensure_other_scope_order_succeeds() =>
        (await ApprovedAsync(("scope", "email profile openid"))).ScopesOf().ShouldBe(["openid", "profile", "email"], ignoreOrder: true);

    [Module("fapi-ciba-id1-ensure-requested-expiry-as-string-succeeds")]
    public async Task fapi_ciba_id1_ensure_requested_expiry_as_string_succeeds()
    {
        (await AskAsync(("requested_expiry", "60"))).Json["expires_in"]!.GetValue<int>().ShouldBe(60);
        await ApprovedAsync(("requested_expiry", "60"));
    }

    [Module("fapi-ciba-id1-ensure-authorization-request-with-multiple-hints-fails")]
    public async Task fapi_ciba_id1_ensure_authorization_request_with_multiple_hints_fails()
    {
        var hint = (await ApprovedAsync())["id_token"];
        (await AskAsync(("id_token_hint", hint))).ShouldBeRefused(400, "invalid_request");
        (await AskAsync(("login_hint_token", "x"))).ShouldBeRefused(400, "invalid_request");
    }

    [Module("fapi-ciba-id1-ensure-wrong-auth-req-id-in-token-endpoint-request")]
    public async Task fapi_ciba_id1_ensure_wrong_auth_req_id_in_token_endpoint_request() =>
        (await PollAsync(await AskedAsync(), await ClientAsync())).ShouldBeRefused(400, "invalid_grant");

    [Module("fapi-ciba-id1-ensure-without-client-assertion-in-backchannel-authorization-request")]
    public async Task fapi_ciba_id1_ensure_without_client_assertion_in_backchannel_authorization_request() =>
        (await scene.Vault.Api.FormAsync(ApprovalScene.Backchannel, Form(("client_id", _client.Id)))).ShouldBeUnproven();

    [Module("fapi-ciba-id1-ensure-without-client-assertion-in-token-endpoint-request")]
    public async Task fapi_ciba_id1_ensure_without_client_assertion_in_token_endpoint_request()
    {
        var form = PollForm(await AskedAsync());
        form["client_id"] = _client.Id;
        (await scene.Vault.Api.FormAsync("oauth/token", form)).ShouldBeUnproven();
    }

    [Module("fapi-ciba-id1-ensure-client-assertion-signature-algorithm-in-backchannel-authorization-request-is-RS256-fails")]
    public async Task fapi_ciba_id1_ensure_client_assertion_signature_algorithm_in_backchannel_authorization_request_is_RS256_fails()
    {
        var client = await ClientAsync("PS256");
        var assertion = client.Assertion(by: new WorkerKey(client.Key.Key, "RS256"));
        (await scene.Vault.Api.FormAsync(ApprovalScene.Backchannel, client.Proven(Form(), assertion))).ShouldBeUnproven();
        (await scene.Vault.Api.FormAsync(ApprovalScene.Backchannel, client.Proven(Form()))).Status.ShouldBe(200);
    }

    [Module("fapi-ciba-id1-ensure-client-assertion-signature-algorithm-in-token-endpoint-request-is-RS256-fails")]
    public async Task fapi_ciba_id1_ensure_client_assertion_signature_algorithm_in_token_endpoint_request_is_RS256_fails()
    {
        var client = await ClientAsync("PS256");
        var form = PollForm(await AskedAsync(client));
        var assertion = client.Assertion(by: new WorkerKey(client.Key.Key, "RS256"));
        (await scene.Vault.Api.FormAsync("oauth/token", client.Proven(form, assertion))).ShouldBeUnproven();
        (await scene.Vault.Api.FormAsync("oauth/token", client.Proven(form))).ShouldBeRefused(400, "authorization_pending");
    }

    [Module("fapi-ciba-id1-ensure-client-assertion-with-iss-aud-to-token-endpoint-succeeds")]
    public async Task fapi_ciba_id1_ensure_client_assertion_with_iss_aud_to_token_endpoint_succeeds() =>
        (await PollAsync(await AskedAsync())).ShouldBeRefused(400, "authorization_pending");

    [Module("fapi-ciba-id1-refresh-token")]
    public async Task fapi_ciba_id1_refresh_token()
    {
        var tokens = await ApprovedAsync(("scope", "openid offline_access"), ("audience", OAuthVault.Audience));
        var form = new Dictionary<string, string> { ["grant_type"] = Wire.RefreshToken, ["refresh_token"] = tokens["refresh_token"].ShouldNotBeNull() };
        (await _client.TokenAsync(form, dpop: null)).ShouldBeGranted();
        (await (await ClientAsync()).TokenAsync(form, dpop: null)).ShouldBeInvalidGrant();
    }

    private Task<FapiClient> ClientAsync(string alg = "ES256") => FapiClient.CreateAsync(scene.Vault, "CIBA", alg, new JsonObject
    {
        ["grant_types"] = new JsonArray(Wire.AuthorizationCode, Wire.RefreshToken, Wire.Ciba),
        ["require_pushed_authorization_requests"] = false,
        ["require_proof_of_possession"] = false,
    });

    private Dictionary<string, string> Form(params (string Name, string? Value)[] changes)
    {
        var form = new Dictionary<string, string>
        {
            ["scope"] = "openid",
            ["binding_message"] = "1234",
            ["login_hint"] = new JsonObject { ["format"] = "iss_sub", ["iss"] = scene.Issuer, ["sub"] = scene.Vault.UserId }.ToJsonString(),
        };
        foreach (var (name, value) in changes)
        {
            form[name] = value!;
        }

        return form;
    }

    private Task<Answer> AskAsync(params (string Name, string? Value)[] changes) =>
        scene.Vault.Api.FormAsync(ApprovalScene.Backchannel, _client.Proven(Form(changes)));

    private Task<Asked> AskedAsync(params (string Name, string? Value)[] changes) => AskedAsync(_client, changes);

    private async Task<Asked> AskedAsync(FapiClient client, params (string Name, string? Value)[] changes)
    {
        var answer = await scene.Vault.Api.FormAsync(ApprovalScene.Backchannel, client.Proven(Form(changes)));
        answer.Status.ShouldBe(200, answer.Text);
        return new Asked(answer["auth_req_id"]!, answer["approval_uri"]!);
    }

    private static Dictionary<string, string> PollForm(Asked asked) => new() { ["grant_type"] = Wire.Ciba, ["auth_req_id"] = asked.Id };

    private Task<Answer> PollAsync(Asked asked, FapiClient? client = null) =>
        scene.Vault.Api.FormAsync("oauth/token", (client ?? _client).Proven(PollForm(asked)));

    private async Task<Answer> ApprovedAsync(params (string Name, string? Value)[] changes)
    {
        var asked = await AskedAsync(changes);
        await ApprovalScene.ApproveAsync(scene.Browser, asked.Uri);
        var tokens = await PollAsync(asked);
        tokens.ShouldBeGranted();
        await scene.CheckIdTokenAsync(tokens, _client.Id, nonce: null);
        (await PollAsync(asked)).ShouldBeRefused(400, "invalid_grant");
        return tokens;
    }
}
