using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;
using TokenVault.Tests.Flows.OAuth;
using TokenVault.Tests.Flows.Possession;
using TokenVault.Tests.Flows.Pushed;
using TokenVault.Tests.Flows.Workers;

namespace TokenVault.Tests.Conformance;

/// <summary>A client that is held to FAPI 2.0: it pushes its requests, proves itself by <c>private_key_jwt</c>, and its tokens are bound by DPoP.</summary>
internal sealed class FapiClient(OAuthVault vault, string id, WorkerKey key)
{
    public string Id { get; } = id;

    public WorkerKey Key { get; } = key;

    public DpopKey Dpop { get; set; } = DpopKey.Create(() => vault.Server.Clock.GetUtcNow());

    public Application Application { get; } = new(vault.Api, new Credentials(id, ""));

    public static async Task<FapiClient> CreateAsync(OAuthVault vault, string name, string alg = "ES256", JsonObject? more = null)
    {
        var key = WorkerKey.Create(alg);
        var body = new JsonObject
        {
            ["require_pushed_authorization_requests"] = true,
            ["require_proof_of_possession"] = true,
            ["client_authentication_methods"] = new JsonObject { ["private_key_jwt"] = new JsonObject { ["credentials"] = new JsonArray(key.Credential()) } },
        };
        foreach (var (member, value) in more ?? [])
        {
            body[member] = value?.DeepClone();
        }

        return new FapiClient(vault, (await vault.ClientAsync(name, body)).Credentials.ClientId, key);
    }

    public DpopKey NewKey() => DpopKey.Create(() => vault.Server.Clock.GetUtcNow());

    /// <summary>RFC 7523 §3, with the issuer as the audience.</summary>
    public string Assertion(Action<JsonObject>? change = null, WorkerKey? by = null)
    {
        var now = vault.Server.Clock.GetUtcNow().ToUnixTimeSeconds();
        var claims = new JsonObject
        {
            ["iss"] = Id,
            ["sub"] = Id,
            ["aud"] = vault.Issuer,
            ["jti"] = Identifier.Secret(),
            ["iat"] = now,
            ["exp"] = now + 60,
        };
        change?.Invoke(claims);
        var signer = by ?? Key;
        return signer.Sign(new JsonObject { ["alg"] = signer.Alg }, claims);
    }

    public Dictionary<string, string> Proven(Dictionary<string, string> form, string? assertion = null) => new(form)
    {
        ["client_id"] = Id,
        ["client_assertion_type"] = Wire.JwtBearerAssertion,
        ["client_assertion"] = assertion ?? Assertion(),
    };

    /// <summary>Pushes the usual request; with a DPoP key, its proof goes along.</summary>
    public Task<Answer> PushAsync(DpopKey? dpop, params (string Name, string? Value)[] changes) =>
        SendAsync("oauth/par", () => Proven(PushScene.Form(Application, changes)), dpop);

    public Task<Answer> PushAsync(params (string Name, string? Value)[] changes) => PushAsync(dpop: null, changes);

    public Task<Answer> PushWithAsync(string assertion) => vault.Api.FormAsync("oauth/par", Proven(PushScene.Form(Application), assertion));

    public async Task<string> UriAsync(params (string Name, string? Value)[] changes)
    {
        var answer = await PushAsync(changes);
        answer.Status.ShouldBe(201, answer.Text);
        answer.Json["expires_in"]!.GetValue<int>().ShouldBeInRange(5, 600);
        return answer["request_uri"].ShouldNotBeNull();
    }

    /// <summary>Sends the browser with what was pushed.</summary>
    public Task<Answer> ComeAsync(Browser browser, string uri, params (string Name, string Value)[] more) => vault.ComeAsync(Application, uri, browser, more);

    /// <summary>The code, and what came with it.</summary>
    public async Task<Answer> AuthorizeAsync(Browser browser, params (string Name, string? Value)[] changes)
    {
        var answer = await ComeAsync(browser, await UriAsync(changes));
        answer.Status.ShouldBe(302, answer.Text);
        answer.Redirected("iss").ShouldBe(vault.Issuer);
        answer.Redirected("code").ShouldNotBeNull(answer.Headers.Location?.OriginalString);
        return answer;
    }

    public async Task<string> CodeAsync(Browser browser, params (string Name, string? Value)[] changes) =>
        (await AuthorizeAsync(browser, changes)).Redirected("code")!;

    public static Dictionary<string, string> CodeForm(string code, string? verifier = OAuthVault.Verifier)
    {
        var form = new Dictionary<string, string> { ["grant_type"] = Wire.AuthorizationCode, ["code"] = code, ["redirect_uri"] = Operator.Callback };
        if (verifier is not null)
        {
            form["code_verifier"] = verifier;
        }

        return form;
    }

    public Task<Answer> RedeemAsync(string code, string? verifier = OAuthVault.Verifier) => TokenAsync(CodeForm(code, verifier), Dpop);

    public Task<Answer> RefreshAsync(string token) =>
        TokenAsync(new Dictionary<string, string> { ["grant_type"] = Wire.RefreshToken, ["refresh_token"] = token }, Dpop);

    public Task<Answer> TokenAsync(Dictionary<string, string> form, DpopKey? dpop, Action<JsonObject>? change = null) =>
        SendAsync("oauth/token", () => Proven(form), dpop, change);

    /// <summary>At userinfo, as at any resource.</summary>
    public async Task<Answer> ResourceAsync(string token, DpopKey? dpop = null, string scheme = "DPoP")
    {
        var request = new HttpRequestMessage(HttpMethod.Get, vault.Issuer + "userinfo");
        request.Headers.TryAddWithoutValidation("Authorization", $"{scheme} {token}");
        request.Headers.TryAddWithoutValidation("DPoP", (dpop ?? Dpop).Proof("GET", vault.Issuer + "userinfo", token));
        return await vault.SendAsync(request);
    }

    /// <summary>Once more with the nonce, where one is demanded (RFC 9449 §8).</summary>
    private async Task<Answer> SendAsync(string path, Func<Dictionary<string, string>> form, DpopKey? dpop, Action<JsonObject>? change = null)
    {
        while (true)
        {
            var request = new HttpRequestMessage(HttpMethod.Post, vault.Issuer + path) { Content = new FormUrlEncodedContent(form()) };
            if (dpop is not null)
            {
                request.Headers.TryAddWithoutValidation("DPoP", dpop.Proof("POST", vault.Issuer + path, change: change));
            }

            var answer = await vault.SendAsync(request);
            if (dpop is null || answer["error"] != "use_dpop_nonce" || dpop.Nonce == answer.Header("DPoP-Nonce"))
            {
                return answer;
            }

            dpop.Nonce = answer.Header("DPoP-Nonce");
        }
    }
}
