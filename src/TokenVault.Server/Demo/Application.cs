using System.Text.Json.Nodes;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Demo;

/// <summary>An application of the server: signs a user in, connects their account, exchanges its tokens.</summary>
internal sealed class Application(VaultApi vault, Credentials credentials)
{
    public Credentials Credentials { get; } = credentials;

    /// <summary>Authorization code with PKCE, through the sign-in page.</summary>
    public async Task<Answer> SignInAsync(Browser browser, string email, string password, string? audience, string scope)
    {
        var (visit, verifier) = await AuthorizeAsync(browser, email, password, audience, scope);
        return await RedeemAsync(visit["code"] ?? throw new InvalidOperationException("No code: " + visit["error"]), verifier);
    }

    /// <summary>As far as the redirect back to the application.</summary>
    public async Task<(Visit Visit, string Verifier)> AuthorizeAsync(
        Browser browser, string email, string password, string? audience, string scope, IEnumerable<KeyValuePair<string, string>>? more = null)
    {
        var verifier = Identifier.Secret();
        var parameters = new Dictionary<string, string>
        {
            ["response_type"] = "code",
            ["client_id"] = Credentials.ClientId,
            ["redirect_uri"] = Operator.Callback,
            ["scope"] = scope,
            ["state"] = Identifier.Secret(),
            ["nonce"] = Identifier.Secret(),
            ["code_challenge"] = Pkce.Challenge(verifier),
            ["code_challenge_method"] = "S256",
        };
        if (audience is not null)
        {
            parameters["audience"] = audience;
        }

        foreach (var (name, value) in more ?? [])
        {
            parameters[name] = value;
        }

        var visit = await browser.GoAsync(Http.Urls.WithQuery(vault.Issuer + "authorize", parameters), Operator.Callback);
        if (visit.Status == 200 && visit.Html.Contains("name=\"password\"", StringComparison.Ordinal))
        {
            visit = await browser.SubmitAsync(visit, new Dictionary<string, string> { ["username"] = email, ["password"] = password }, Operator.Callback);
        }

        return (visit, verifier);
    }

    public Task<Answer> RedeemAsync(string code, string? verifier) => TokenAsync(new JsonObject
    {
        ["grant_type"] = Wire.AuthorizationCode,
        ["code"] = code,
        ["redirect_uri"] = Operator.Callback,
        ["code_verifier"] = verifier,
    });

    public Task<Answer> RefreshAsync(string refreshToken, string? audience = null, string? scope = null) => TokenAsync(new JsonObject
    {
        ["grant_type"] = Wire.RefreshToken,
        ["refresh_token"] = refreshToken,
        ["audience"] = audience,
        ["scope"] = scope,
    });

    /// <summary>Asks to connect an account, and sends the browser through the provider.</summary>
    /// <returns>The redirect back to the application, and what completes it.</returns>
    public async Task<(Visit Visit, JsonObject Complete)> ConnectAsync(Browser browser, string myAccountToken, string connection, JsonObject? more = null)
    {
        var verifier = Identifier.Secret();
        var body = new JsonObject
        {
            ["connection"] = connection,
            ["redirect_uri"] = Operator.Callback,
            ["state"] = "application-state",
            ["code_challenge"] = Pkce.Challenge(verifier),
            ["code_challenge_method"] = "S256",
        };
        foreach (var (member, value) in more ?? [])
        {
            body[member] = value?.DeepClone();
        }

        var answer = await vault.SendAsync(HttpMethod.Post, "me/v1/connected-accounts/connect", myAccountToken, body);
        if (answer.Status != 201)
        {
            throw new InvalidOperationException($"connect: {answer.Status} {answer["detail"]}");
        }

        var ticket = answer.Json["connect_params"]!["ticket"]!.GetValue<string>();
        var visit = await browser.GoAsync($"{answer["connect_uri"]}?ticket={ticket}", Operator.Callback);
        return (visit, new JsonObject
        {
            ["auth_session"] = answer["auth_session"],
            ["connect_code"] = visit["connect_code"],
            ["redirect_uri"] = Operator.Callback,
            ["code_verifier"] = verifier,
        });
    }

    public Task<Answer> CompleteAsync(string myAccountToken, JsonObject complete) =>
        vault.SendAsync(HttpMethod.Post, "me/v1/connected-accounts/complete", myAccountToken, complete);

    /// <summary>The reason for all this: a token of ours for the provider's.</summary>
    public Task<Answer> ExchangeAsync(string subjectToken, string subjectTokenType, string connection, JsonObject? more = null)
    {
        var body = new JsonObject
        {
            ["grant_type"] = Wire.FederatedExchange,
            ["subject_token"] = subjectToken,
            ["subject_token_type"] = subjectTokenType,
            ["requested_token_type"] = Wire.FederatedAccessTokenType,
            ["connection"] = connection,
        };
        foreach (var (member, value) in more ?? [])
        {
            body[member] = value?.DeepClone();
        }

        return TokenAsync(body);
    }

    /// <summary>A token request with this application's credentials; null members are left out.</summary>
    public Task<Answer> TokenAsync(JsonObject request)
    {
        var body = new JsonObject { ["client_id"] = Credentials.ClientId, ["client_secret"] = Credentials.ClientSecret };
        foreach (var (member, value) in request)
        {
            if (value is not null)
            {
                body[member] = value.DeepClone();
            }
        }

        return vault.SendAsync(HttpMethod.Post, "oauth/token", body: body);
    }
}
