using TokenVault.Server.Protocol;
using TokenVault.Tests.Flows.OAuth;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Flows.Possession;

/// <summary>Tokens that are bound to a DPoP key (RFC 9449 §7), as they are used. These tests move the clock.</summary>
public sealed class DpopResourceTests(PossessionScene scene) : IClassFixture<PossessionScene>
{
    private string Userinfo => scene.Vault.Issuer + "userinfo";

    [Fact]
    public async Task T_CA_11_no_wrong_proof_is_accepted_where_a_token_is_presented_dpop_negative_tests()
    {
        var (key, token) = await BoundAsync();
        var demanded = await scene.ResourceAsync(HttpMethod.Get, "userinfo", "DPoP", token, scene.NewKey().Proof("GET", Userinfo, token));
        demanded.Status.ShouldBe(401);
        var vectors = new DpopVectors(key, "GET", Userinfo, token, scene.Clock.GetUtcNow);
        var count = 0;
        foreach (var (name, proofs) in vectors.All())
        {
            var request = new HttpRequestMessage(HttpMethod.Get, Userinfo);
            request.Headers.TryAddWithoutValidation("Authorization", "DPoP " + token);
            foreach (var proof in proofs)
            {
                request.Headers.TryAddWithoutValidation("DPoP", proof);
            }

            var answer = await scene.SendAsync(request);
            (answer.Status, answer["error"]).ShouldBe((401, "invalid_dpop_proof"), $"{name}: {answer.Text}");
            answer.Header("WWW-Authenticate")!.ShouldStartWith("DPoP error=\"invalid_dpop_proof\"");
            count++;
        }

        foreach (var (name, proof) in vectors.Nonces())
        {
            var answer = await scene.ResourceAsync(HttpMethod.Get, "userinfo", "DPoP", token, proof);
            (answer.Status, answer["error"]).ShouldBe((401, "use_dpop_nonce"), $"{name}: {answer.Text}");
            answer.Header("WWW-Authenticate")!.ShouldStartWith("DPoP error=\"use_dpop_nonce\"");
            answer.Header("DPoP-Nonce").ShouldBe(key.Nonce);
            count++;
        }

        count.ShouldBeGreaterThanOrEqualTo(100);
        (await scene.ResourceAsync(HttpMethod.Get, "userinfo", "DPoP", token, vectors.Good())).Status.ShouldBe(200);
    }

    /// <summary>T-CA-10: whatever the endpoint, a bound token is nothing without its key, and a bearer's token gains nothing by a proof.</summary>
    [Theory]
    [InlineData("userinfo")]
    [InlineData("me/v1/connected-accounts/accounts")]
    [InlineData("api/v2/clients")]
    public async Task T_CA_10_a_stolen_token_is_refused_without_its_key_at_every_api_ensure_holder_of_key_required(string path)
    {
        var (key, token, bearer) = await ForAsync(path);
        var thief = scene.NewKey();
        thief.Nonce = key.Nonce;
        var address = scene.Vault.Issuer + path;
        var proof = key.Proof("GET", address, token);
        (string Scheme, string Token, string? Proof)[] wrong =
        [
            ("Bearer", token, null),
            ("Bearer", token, key.Proof("GET", address, token)),
            ("Bearer", token, thief.Proof("GET", address, token)),
            ("DPoP", token, null),
            ("DPoP", token, thief.Proof("GET", address, token)),
            ("DPoP", token, key.Proof("GET", address, bearer)),
            ("DPoP", token, key.Proof("POST", address, token)),
            ("DPoP", token, key.Proof("GET", scene.TokenUri, token)),
            ("DPoP", bearer, thief.Proof("GET", address, bearer)),
            ("DPoP", bearer, null),
            ("Basic", token, key.Proof("GET", address, token)),
        ];
        foreach (var attempt in wrong)
        {
            (await scene.ResourceAsync(HttpMethod.Get, path, attempt.Scheme, attempt.Token, attempt.Proof)).Status.ShouldBe(401, attempt.ToString());
        }

        (await scene.ResourceAsync(HttpMethod.Get, path, "DPoP", token, proof)).Status.ShouldBe(200);
        (await scene.ResourceAsync(HttpMethod.Get, path, "DPoP", token, proof)).Status.ShouldBe(401);
        (await scene.ResourceAsync(HttpMethod.Get, path, "dpop", token, key.Proof("GET", address + "?x=y", token))).Status.ShouldBe(200);
        (await scene.ResourceAsync(HttpMethod.Get, path, "Bearer", bearer)).Status.ShouldBe(200);
    }

    [Theory]
    [InlineData("me/v1/connected-accounts/accounts")]
    [InlineData("api/v2/clients")]
    public async Task The_challenge_says_that_a_nonce_is_wanted(string path)
    {
        var (key, token, _) = await ForAsync(path);
        key.Nonce = null;
        var answer = await scene.ResourceAsync(HttpMethod.Get, path, "DPoP", token, key.Proof("GET", scene.Vault.Issuer + path, token));
        answer.Status.ShouldBe(401);
        answer.Header("WWW-Authenticate")!.ShouldContain("error=\"use_dpop_nonce\"");
        answer.Header("WWW-Authenticate")!.ShouldContain("algs=\"ES256 ES384 PS256 RS256\"");
        key.Nonce = answer.Header("DPoP-Nonce");
        (await scene.ResourceAsync(HttpMethod.Get, path, "DPoP", token, key.Proof("GET", scene.Vault.Issuer + path, token))).Status.ShouldBe(200);
    }

    [Fact]
    public async Task T_CA_10_a_bound_token_in_a_query_or_a_form_is_nobodys()
    {
        var (_, token) = await BoundAsync();
        (await scene.Vault.Api.SendAsync(HttpMethod.Get, "userinfo?access_token=" + token)).Status.ShouldBe(401);
        (await scene.Vault.Api.FormAsync("userinfo", new Dictionary<string, string> { ["access_token"] = token })).Status.ShouldBe(401);
    }

    [Fact]
    public async Task A_browser_may_send_a_proof_and_read_the_nonce_and_the_challenge()
    {
        var request = new HttpRequestMessage(HttpMethod.Options, Userinfo);
        request.Headers.TryAddWithoutValidation("Origin", "https://spa.example");
        request.Headers.TryAddWithoutValidation("Access-Control-Request-Headers", "authorization,dpop");
        var answer = await scene.SendAsync(request);
        answer.Header("Access-Control-Allow-Headers")!.ShouldContain("dpop");
        answer.Header("Access-Control-Expose-Headers")!.ShouldContain("dpop-nonce");
        answer.Header("Access-Control-Expose-Headers")!.ShouldContain("www-authenticate");
    }

    /// <summary>A bound token that an API was called with is exchanged with the proof that came with it, or by whoever has the key.</summary>
    [Fact]
    public async Task T_CA_10_a_bound_token_is_exchanged_with_a_proof_of_its_key_only()
    {
        var user = await scene.ConnectedUserAsync();
        var (key, thief) = (scene.NewKey(), scene.NewKey());
        var token = (await scene.SignInAsync(user, key))["access_token"]!;
        thief.Nonce = key.Nonce;
        const string called = VaultScene.Api + "events";
        string?[] wrong =
        [
            null, "x", thief.Proof("GET", called, token), key.Proof("GET", called), key.Proof("GET", called, user.AccessToken),
            key.Proof("GET", called, token, claims => claims["iat"] = scene.Clock.GetUtcNow().ToUnixTimeSeconds() - 61),
            key.Proof("GET", Userinfo, token), key.Proof("GET", scene.Alias + "userinfo", token), key.Proof("GET", "events", token), key.Proof("GET", "/events", token), key.Proof("GET", "file:///events", token),
        ];
        foreach (var proof in wrong)
        {
            var answer = await scene.TokenAsync(null, ExchangeForm(token, proof));
            answer.ShouldBeRefused(401, "invalid_grant");
            answer["error_description"]!.ShouldContain("subject_token_proof");
        }

        (await scene.TokenAsync(thief, ExchangeForm(token, proof: null))).ShouldBeRefused(401, "invalid_grant");

        // Passed on while it is young; and by the holder of the key itself. What is issued is the provider's, and any bearer's.
        var passedOn = key.Proof("GET", called, token);
        (await scene.TokenAsync(null, ExchangeForm(token, passedOn))).ShouldBeGranted();
        (await scene.TokenAsync(null, ExchangeForm(token, passedOn))).ShouldBeGranted();
        (await scene.TokenAsync(key, ExchangeForm(token, proof: null))).ShouldBeGranted();
        (await scene.TokenAsync(null, ExchangeForm(user.AccessToken, proof: null))).ShouldBeGranted();
    }

    private Dictionary<string, string> ExchangeForm(string token, string? proof)
    {
        var form = new Dictionary<string, string>
        {
            ["grant_type"] = Wire.FederatedExchange,
            ["client_id"] = scene.ApiClient.Credentials.ClientId,
            ["client_secret"] = scene.ApiClient.Credentials.ClientSecret,
            ["subject_token"] = token,
            ["subject_token_type"] = Wire.AccessTokenType,
            ["connection"] = VaultScene.Calendar,
        };
        if (proof is not null)
        {
            form["subject_token_proof"] = proof;
        }

        return form;
    }

    private async Task<(DpopKey Key, string Token)> BoundAsync()
    {
        var key = scene.NewKey();
        var tokens = await scene.SignInAsync(await scene.NewUserAsync(), key);
        return (key, tokens["access_token"]!);
    }

    /// <summary>A token that is bound, and one that is not, for the API of the path.</summary>
    private async Task<(DpopKey Key, string Token, string Bearer)> ForAsync(string path)
    {
        var key = scene.NewKey();
        if (path.StartsWith("api/", StringComparison.Ordinal))
        {
            var bootstrap = scene.Vault.Bootstrap;
            var form = new Dictionary<string, string>
            {
                ["grant_type"] = Wire.ClientCredentials,
                ["client_id"] = (string)bootstrap["client_id"]!,
                ["client_secret"] = (string)bootstrap["client_secret"]!,
                ["audience"] = (string)bootstrap["audience"]!,
            };
            return (key, (await scene.TokenAsync(key, form))["access_token"]!, (await scene.TokenAsync(null, form))["access_token"]!);
        }

        var user = await scene.NewUserAsync();
        var tokens = await scene.SignInAsync(user, key);
        if (path == "userinfo")
        {
            return (key, tokens["access_token"]!, user.AccessToken);
        }

        var mine = await scene.TokenAsync(key, scene.RefreshForm(tokens["refresh_token"]!, scene.Vault.Issuer + "me/"));
        return (key, mine["access_token"]!, await user.MyTokenAsync());
    }
}
