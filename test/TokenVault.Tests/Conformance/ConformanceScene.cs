using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;
using TokenVault.Tests.Flows.OAuth;

namespace TokenVault.Tests.Conformance;

/// <summary>One server for all modules, as the suite has one under test: clients of each kind, and a browser in which the user has signed in.</summary>
public sealed class ConformanceScene : IAsyncLifetime
{
    internal const string Allowed = "https://app.example/";

    internal OAuthVault Vault { get; } = new()
    {
        // Users are asked more often here than people may be.
        Settings = new Dictionary<string, string?> { ["TokenVault:Approvals:RequestsPerMinute"] = "0" },
    };

    /// <summary>Proves itself by <c>client_secret_basic</c>.</summary>
    internal Application Basic { get; private set; } = null!;

    /// <summary>The suite's two clients for FAPI: pushed requests, <c>private_key_jwt</c>, DPoP.</summary>
    internal FapiClient First { get; private set; } = null!;

    internal FapiClient Second { get; private set; } = null!;

    internal Browser Browser { get; private set; } = null!;

    internal string Issuer => Vault.Issuer;

    internal static Dictionary<string, string> Password { get; } = new() { ["username"] = OAuthVault.Email, ["password"] = OAuthVault.Password };

    public async Task InitializeAsync()
    {
        await Vault.InitializeAsync();
        Basic = await Vault.ClientAsync("Basic", new JsonObject { ["token_endpoint_auth_method"] = "client_secret_basic" });
        First = await FapiClient.CreateAsync(Vault, "First");
        Second = await FapiClient.CreateAsync(Vault, "Second");
        Browser = await Vault.SignedInBrowserAsync();
    }

    public async Task DisposeAsync()
    {
        Browser.Dispose();
        await Vault.DisposeAsync();
    }

    internal void Wait(int seconds) => Vault.Server.Clock.Advance(TimeSpan.FromSeconds(seconds));

    /// <summary>An authorization request of <see cref="Basic"/> from the browser that is signed in.</summary>
    internal async Task<string> CodeAsync(params (string Name, string? Value)[] changes)
    {
        var answer = await Vault.AuthorizeAsync(Basic, Browser, [("nonce", "the-nonce"), .. changes]);
        answer.Redirected("state").ShouldBe(changes.Any(change => change.Name == "state") ? changes.Last(change => change.Name == "state").Value : "the-state");
        answer.Redirected("iss").ShouldBe(Issuer);
        return answer.Redirected("code").ShouldNotBeNull(answer.Text);
    }

    /// <summary>The whole flow, checked as the suite checks every one.</summary>
    internal async Task<Answer> FlowAsync(params (string Name, string? Value)[] changes) => await TokensAsync(await CodeAsync(changes));

    internal async Task<Answer> TokensAsync(string code, string? nonce = "the-nonce")
    {
        var answer = await RedeemAsync(code);
        answer.ShouldBeGranted();
        await CheckIdTokenAsync(answer, Basic.Credentials.ClientId, nonce);
        return answer;
    }

    /// <summary>OpenID Connect Core §3.1.3.7, as a relying party verifies it.</summary>
    internal async Task<JsonObject> CheckIdTokenAsync(Answer answer, string clientId, string? nonce)
    {
        var now = Vault.Server.Clock.GetUtcNow().ToUnixTimeSeconds();
        var id = await Vault.VerifiedClaimsAsync(answer["id_token"]);
        ((string?)id["iss"]).ShouldBe(Issuer);
        ((string?)id["aud"]).ShouldBe(clientId);
        ((string?)id["sub"]).ShouldBe(Vault.UserId);
        ((string?)id["nonce"]).ShouldBe(nonce);
        id["exp"]!.GetValue<long>().ShouldBeGreaterThan(now);
        id["iat"]!.GetValue<long>().ShouldBeInRange(now - 5, now);
        return id;
    }

    internal Task<Answer> RedeemAsync(string code, string verifier = OAuthVault.Verifier) =>
        TokenAsync(("grant_type", Wire.AuthorizationCode), ("code", code), ("redirect_uri", Operator.Callback), ("code_verifier", verifier));

    /// <summary>A token request of <see cref="Basic"/>.</summary>
    internal Task<Answer> TokenAsync(params (string Name, string Value)[] form)
    {
        var credentials = Convert.ToBase64String(Encoding.ASCII.GetBytes($"{Basic.Credentials.ClientId}:{Basic.Credentials.ClientSecret}"));
        var request = new HttpRequestMessage(HttpMethod.Post, Issuer + "oauth/token")
        {
            Content = new FormUrlEncodedContent(form.Select(field => KeyValuePair.Create(field.Name, field.Value))),
        };
        request.Headers.Authorization = new AuthenticationHeaderValue("Basic", credentials);
        return Vault.SendAsync(request);
    }

    /// <summary>The flow in a browser that nobody has used: the sign-in page, and on to the tokens.</summary>
    internal async Task<(Visit Page, Answer Tokens)> FreshFlowAsync(params (string Name, string? Value)[] changes)
    {
        using var browser = Vault.Server.NewBrowser();
        return await SignInFlowAsync(browser, changes);
    }

    internal async Task<(Visit Page, Answer Tokens)> SignInFlowAsync(Browser browser, params (string Name, string? Value)[] changes)
    {
        var page = await browser.GoAsync(Vault.AuthorizeUrl(Basic, [("nonce", "the-nonce"), .. changes]), Operator.Callback);
        page.ShouldBeSignInPage();
        var back = await browser.SubmitAsync(page, Password, Operator.Callback);
        return (page, await TokensAsync(back["code"].ShouldNotBeNull(back.Url)));
    }

    internal async Task<JsonNode> MetadataAsync()
    {
        var answer = await Vault.GetAsync(".well-known/openid-configuration");
        answer.Status.ShouldBe(200);
        answer.Header("Content-Type").ShouldBe("application/json");
        return answer.Json;
    }

    internal static string?[] Texts(JsonNode? array) => [.. array!.AsArray().Select(value => (string?)value)];
}

/// <summary>The modules share a server, and so take turns: several move its clock.</summary>
[CollectionDefinition(Name)]
public sealed class ConformanceModules : ICollectionFixture<ConformanceScene>
{
    internal const string Name = "Conformance";
}

internal static class ConformanceAnswers
{
    /// <summary>RFC 6749 §5.2; the status may be 403, which is what the SDKs that this server is for know of.</summary>
    public static void ShouldBeInvalidGrant(this Answer answer)
    {
        answer.Status.ShouldBeOneOf(400, 403);
        answer.ShouldBeRefused(answer.Status, "invalid_grant");
    }

    /// <summary>The suite takes either error for a client that has not proven itself.</summary>
    public static void ShouldBeUnproven(this Answer answer)
    {
        answer.Status.ShouldBeOneOf(400, 401);
        answer["error"].ShouldBeOneOf("invalid_client", "invalid_request");
        answer.ShouldBeRefused(answer.Status, answer["error"]!);
    }
}
