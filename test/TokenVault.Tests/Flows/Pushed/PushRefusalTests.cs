using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;
using TokenVault.Tests.Flows.OAuth;
using TokenVault.Tests.Flows.Possession;
using TokenVault.Tests.Flows.Workers;

namespace TokenVault.Tests.Flows.Pushed;

/// <summary>What is wrong with a request is told when it is pushed (RFC 9126 §2.3).</summary>
public sealed class PushRefusalTests(OAuthVault vault) : IClassFixture<OAuthVault>
{
    [Theory]
    [InlineData("response_type", null, 400, "invalid_request")]
    [InlineData("response_type", "token", 400, "unsupported_response_type")]
    [InlineData("response_type", "code id_token", 400, "unsupported_response_type")]
    [InlineData("redirect_uri", "https://app.example/callback/", 400, "invalid_request")]
    [InlineData("redirect_uri", "https://evil.example/", 400, "invalid_request")]
    [InlineData("response_mode", "jwt", 400, "invalid_request")]
    [InlineData("response_mode", "web_message", 400, "invalid_request")]
    [InlineData("request", "eyJhbGciOiJub25lIn0.e30.", 400, "request_not_supported")]
    [InlineData("scope", "one\\two", 400, "invalid_scope")]
    [InlineData("audience", "https://nobody.example/", 403, "access_denied")]
    [InlineData("prompt", "none login", 400, "invalid_request")]
    [InlineData("max_age", "soon", 400, "invalid_request")]
    [InlineData("dpop_jkt", "short", 400, "invalid_request")]
    [InlineData("connection", "nowhere", 400, "invalid_request")]
    [InlineData("id_token_hint", "x.y.z", 400, "invalid_request")]
    [InlineData("organization", "org_1", 400, "invalid_request")]
    [InlineData("client_secret", "wrong", 401, "invalid_client")]
    [InlineData("client_secret", null, 401, "invalid_client")]
    [InlineData("client_id", "nobody", 401, "invalid_client")]
    [InlineData("client_id", null, 401, "invalid_client")]
    public async Task Row_by_row(string name, string? value, int status, string error) =>
        (await vault.PushAsync(vault.Web, (name, value))).ShouldBeRefused(status, error);

    [Theory]
    [InlineData("urn:ietf:params:oauth:request_uri:abc")]
    [InlineData("https://app.example/request.jwt")]
    public async Task It_does_not_name_another_par_authorization_request_containing_request_uri_form_param(string uri) =>
        (await vault.PushAsync(vault.Web, ("request_uri", uri))).ShouldBeRefused(400, "invalid_request");

    [Fact]
    public async Task A_public_client_needs_a_challenge_par_ensure_pkce_required() =>
        (await vault.PushAsync(vault.Spa, ("code_challenge", null), ("code_challenge_method", null))).ShouldBeRefused(400, "invalid_request");

    [Theory]
    [InlineData("plain")]
    [InlineData(null)]
    [InlineData("s256")]
    public async Task T_CF_04_Only_S256_par_plain_pkce_rejected(string? method)
    {
        (await vault.PushAsync(vault.Web, ("code_challenge_method", method))).ShouldBeRefused(400, "invalid_request");
        (await vault.PushAsync(vault.Spa, ("code_challenge_method", method))).ShouldBeRefused(400, "invalid_request");
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("PUT")]
    [InlineData("DELETE")]
    public async Task It_is_a_POST_par_attempt_invalid_http_method(string method) =>
        (await vault.SendAsync(new HttpRequestMessage(new HttpMethod(method), vault.Issuer + "oauth/par"))).Status.ShouldBe(405);

    [Fact]
    public async Task Each_parameter_comes_once_par_without_duplicate_parameters()
    {
        using var form = new FormUrlEncodedContent(PushScene.Form(vault.Web));
        var body = await form.ReadAsStringAsync();
        (await vault.PostAsync("oauth/par", body)).Status.ShouldBe(201);
        (await vault.PostAsync("oauth/par", body + "&state=again")).ShouldBeRefused(400, "invalid_request");
        (await vault.PostAsync("oauth/par", body + "&scope=openid")).ShouldBeRefused(400, "invalid_request");
    }

    [Fact]
    public async Task What_is_no_form_or_too_long_is_refused()
    {
        (await vault.PostAsync("oauth/par", "{}", "application/json")).ShouldBeRefused(400, "invalid_request");
        (await vault.PushAsync(vault.Web, ("state", new string('s', 5000)))).ShouldBeRefused(413, "invalid_request");
        (await vault.PostAsync("oauth/par", "state=" + new string('s', 40_000))).ShouldBeRefused(413, "invalid_request");
    }

    [Fact]
    public async Task A_client_without_the_code_grant_has_nothing_to_push()
    {
        var machine = await vault.ClientAsync("Machine", new JsonObject { ["grant_types"] = new JsonArray(Wire.ClientCredentials) });
        (await vault.PushAsync(machine)).ShouldBeRefused(403, "unauthorized_client");
    }

    [Fact]
    public async Task T_CA_06_An_assertion_is_for_the_issuer_par_test_array_as_audience_fails_par_test_par_endpoint_url_as_audience_fails()
    {
        var (client, key) = await KeyClientAsync();
        (await PushAsync(client, key, vault.Issuer)).Status.ShouldBe(201);
        (await PushAsync(client, key, new JsonArray(vault.Issuer))).Status.ShouldBe(401);
        (await PushAsync(client, key, new JsonArray(vault.Issuer, "https://other.example/"))).ShouldBeRefused(401, "invalid_client");
        (await PushAsync(client, key, vault.Issuer + "oauth/par")).ShouldBeRefused(401, "invalid_client");
        (await PushAsync(client, key, "https://other.example/")).ShouldBeRefused(401, "invalid_client");
    }

    [Fact]
    public async Task T_CA_05_An_assertion_pushes_once()
    {
        var (client, key) = await KeyClientAsync();
        var form = AssertionForm(client, key, vault.Issuer);
        (await vault.Api.FormAsync("oauth/par", form)).Status.ShouldBe(201);
        (await vault.Api.FormAsync("oauth/par", form)).ShouldBeRefused(401, "invalid_client");
    }

    [Fact]
    public async Task T_CA_11_The_key_that_is_shown_or_announced_redeems_the_code_ensure_mismatched_dpop_jkt_fails()
    {
        var (key, other) = (DpopKey.Create(vault.Server.Clock.GetUtcNow), DpopKey.Create(vault.Server.Clock.GetUtcNow));
        using var browser = await vault.SignedInBrowserAsync();

        (await ProvenAsync(key, "oauth/par", PushScene.Form(vault.Spa, ("dpop_jkt", other.Thumbprint)))).ShouldBeRefused(400, "invalid_dpop_proof");
        foreach (var jkt in (string?[])[null, key.Thumbprint])
        {
            var pushed = await ProvenAsync(key, "oauth/par", PushScene.Form(vault.Spa, ("dpop_jkt", jkt)));
            pushed.Status.ShouldBe(201, pushed.Text);
            var code = (await vault.ComeAsync(vault.Spa, pushed["request_uri"], browser)).Redirected("code")!;
            var form = new Dictionary<string, string>
            {
                ["grant_type"] = Wire.AuthorizationCode,
                ["client_id"] = vault.Spa.Credentials.ClientId,
                ["code"] = code,
                ["redirect_uri"] = Operator.Callback,
                ["code_verifier"] = OAuthVault.Verifier,
            };
            (await vault.Api.FormAsync("oauth/token", form)).ShouldBeRefused(400, "invalid_dpop_proof");
            (await ProvenAsync(other, "oauth/token", form)).ShouldBeRefused(400, "invalid_dpop_proof");
            (await ProvenAsync(key, "oauth/token", form)).ShouldBeBoundTo(key);
        }
    }

    [Fact]
    public async Task T_DO_06_Nobody_fills_the_store_by_a_client_that_proves_nothing()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 310).Select(_ => vault.PushAsync(vault.Spa)));
        answers.Count(answer => answer.Status == 201).ShouldBeInRange(200, 300);
        answers.ShouldContain(answer => answer.Status == 429 && answer.Header("Retry-After") != null);
        (await vault.PushAsync(vault.Web)).Status.ShouldBe(201);
        vault.Server.Clock.Advance(TimeSpan.FromSeconds(61));
    }

    private async Task<(Application Client, WorkerKey Key)> KeyClientAsync()
    {
        var key = WorkerKey.Create();
        var client = await vault.ClientAsync("By key", new JsonObject
        {
            ["client_authentication_methods"] = new JsonObject { ["private_key_jwt"] = new JsonObject { ["credentials"] = new JsonArray(key.Credential()) } },
        });
        return (new Application(vault.Api, new Credentials(client.Credentials.ClientId, "")), key);
    }

    private Task<Answer> PushAsync(Application client, WorkerKey key, JsonNode audience) => vault.Api.FormAsync("oauth/par", AssertionForm(client, key, audience));

    private Dictionary<string, string> AssertionForm(Application client, WorkerKey key, JsonNode audience)
    {
        var now = vault.Server.Clock.GetUtcNow().ToUnixTimeSeconds();
        var assertion = key.Sign(new JsonObject { ["alg"] = key.Alg }, new JsonObject
        {
            ["iss"] = client.Credentials.ClientId,
            ["sub"] = client.Credentials.ClientId,
            ["aud"] = audience,
            ["jti"] = Identifier.Secret(),
            ["iat"] = now,
            ["exp"] = now + 60,
        });
        return PushScene.Form(client, ("client_assertion_type", Wire.JwtBearerAssertion), ("client_assertion", assertion));
    }

    private async Task<Answer> ProvenAsync(DpopKey key, string path, Dictionary<string, string> form)
    {
        while (true)
        {
            var request = new HttpRequestMessage(HttpMethod.Post, vault.Issuer + path) { Content = new FormUrlEncodedContent(form) };
            request.Headers.TryAddWithoutValidation("DPoP", key.Proof("POST", vault.Issuer + path));
            var answer = await vault.SendAsync(request);
            if (answer.Status != 400 || answer["error"] != "use_dpop_nonce" || key.Nonce == answer.Header("DPoP-Nonce"))
            {
                return answer;
            }

            key.Nonce = answer.Header("DPoP-Nonce");
        }
    }
}
