using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Http;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Users;
using TokenVault.Testing;

namespace TokenVault.Tests.Flows.OAuth;

/// <summary>A server with what every flow begins with: an API, a web application, a single-page application and a user.</summary>
public sealed class OAuthVault : IAsyncLifetime
{
    internal const string Audience = "https://calendar.example/api";
    internal const string Origin = "https://app.example";
    internal const string Email = "ada@example.com";
    internal const string Password = "correct horse battery";
    internal const string AllScopes = "openid profile email offline_access read:calendar write:calendar";

    internal TestVault Server { get; private set; } = null!;

    internal IReadOnlyDictionary<string, string?>? Settings { get; init; }

    internal VaultApi Api => Server.Api;

    internal string Issuer => Server.Issuer;

    internal Operator Admin { get; private set; } = null!;

    /// <summary>Confidential, first-party, its refresh tokens do not rotate.</summary>
    internal Application Web { get; private set; } = null!;

    /// <summary>Public, first-party, its refresh tokens rotate without leeway.</summary>
    internal Application Spa { get; private set; } = null!;

    internal string UserId { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Server = await TestVault.StartAsync(Settings);
        await RenewAdminAsync();
        await CreateApiAsync(Audience);
        Web = await ClientAsync("Calendar");
        Spa = await PublicClientAsync("Calendar in the browser");
        UserId = await Admin.CreateUserAsync(Email, Password);
    }

    public async Task DisposeAsync() => await Server.DisposeAsync();

    /// <summary>A management token lives for a day: whoever moved the clock needs another one.</summary>
    internal async Task<Operator> RenewAdminAsync() => Admin = await Operator.SignInAsync(Api, Server.Bootstrap);

    internal Task<JsonNode> CreateApiAsync(string identifier, JsonObject? more = null) => Admin.CreateAsync("resource-servers", With(more, new JsonObject
    {
        ["identifier"] = identifier,
        ["name"] = "Calendar API",
        ["allow_offline_access"] = true,
        ["scopes"] = new JsonArray(
            new JsonObject { ["value"] = "read:calendar", ["description"] = "Read the calendar" },
            new JsonObject { ["value"] = "write:calendar", ["description"] = "Change the calendar" }),
    }));

    internal async Task<Application> ClientAsync(string name, JsonObject? more = null) => new(Api, await Admin.CreateApplicationAsync(name, more));

    internal async Task<Application> PublicClientAsync(string name, JsonObject? more = null)
    {
        var body = With(more, new JsonObject
        {
            ["app_type"] = "spa",
            ["token_endpoint_auth_method"] = "none",
            ["grant_types"] = new JsonArray(Wire.AuthorizationCode, Wire.RefreshToken),
            ["web_origins"] = new JsonArray(Origin),
            ["refresh_token"] = new JsonObject { ["rotation_type"] = "rotating", ["expiration_type"] = "expiring", ["leeway"] = 0 },
        });
        var client = await Admin.CreateApplicationAsync(name, body);
        return new Application(Api, new Credentials(client.ClientId, ""));
    }

    /// <summary>Sends a browser to the application and back, signing in on the way if asked to.</summary>
    internal async Task<(string Code, string Verifier)> CodeAsync(
        Application application, string scope = AllScopes, string? audience = Audience, Browser? browser = null, params (string Name, string Value)[] more)
    {
        using var fresh = browser is null ? Server.NewBrowser() : null;
        var extra = more.Select(p => KeyValuePair.Create(p.Name, p.Value));
        var (visit, verifier) = await application.AuthorizeAsync(browser ?? fresh!, Email, Password, audience, scope, extra);
        return (visit["code"] ?? throw new InvalidOperationException($"No code at {visit.Url}: {visit["error_description"]}"), verifier);
    }

    /// <summary>Through the sign-in page to the tokens.</summary>
    internal async Task<Answer> SignInAsync(Application application, string scope = AllScopes, string? audience = Audience, Browser? browser = null)
    {
        var (code, verifier) = await CodeAsync(application, scope, audience, browser);
        var answer = await RedeemAsync(application, code, verifier);
        return answer.Status == 200 ? answer : throw new InvalidOperationException($"No tokens: {answer.Text}");
    }

    internal Task<Answer> RedeemAsync(Application application, string code, string? verifier, string? redirectUri = Operator.Callback) =>
        TokenAsync(application, ("grant_type", Wire.AuthorizationCode), ("code", code), ("redirect_uri", redirectUri), ("code_verifier", verifier));

    internal Task<Answer> RefreshAsync(Application application, string? refreshToken, params (string Name, string? Value)[] more) =>
        TokenAsync(application, [("grant_type", Wire.RefreshToken), ("refresh_token", refreshToken), .. more]);

    /// <summary>A token request as a form, with the application's credentials; members without a value are left out.</summary>
    internal Task<Answer> TokenAsync(Application application, params (string Name, string? Value)[] form)
    {
        var secret = application.Credentials.ClientSecret;
        (string Name, string? Value)[] all = [("client_id", application.Credentials.ClientId), ("client_secret", secret.Length == 0 ? null : secret), .. form];
        return Api.FormAsync("oauth/token", all.Where(p => p.Value is not null).ToDictionary(p => p.Name, p => p.Value!));
    }

    /// <summary>Any request; redirects are not followed.</summary>
    internal async Task<Answer> SendAsync(HttpRequestMessage request, Browser? browser = null)
    {
        using var http = LoopbackHttp.Client(Api.Trusted, browser?.Cookies ?? new System.Net.CookieContainer());
        using var sent = request;
        using var response = await http.SendAsync(request);
        return new Answer((int)response.StatusCode, await response.Content.ReadAsStringAsync(), response.Headers, response.Content.Headers);
    }

    internal Task<Answer> GetAsync(string path, string? bearer = null, Browser? browser = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, Issuer + path);
        if (bearer is not null)
        {
            request.Headers.Authorization = new("Bearer", bearer);
        }

        return SendAsync(request, browser);
    }

    /// <summary>A body just as it is written here.</summary>
    internal Task<Answer> PostAsync(string path, string body, string contentType = "application/x-www-form-urlencoded", string? authorization = null)
    {
        var content = new ByteArrayContent(System.Text.Encoding.UTF8.GetBytes(body));
        content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        var request = new HttpRequestMessage(HttpMethod.Post, Issuer + path) { Content = content };
        if (authorization is not null)
        {
            request.Headers.TryAddWithoutValidation("Authorization", authorization);
        }

        return SendAsync(request);
    }

    /// <summary>The authorization request that every client makes, with changes; a null value takes a parameter out.</summary>
    internal string AuthorizeUrl(Application application, params (string Name, string? Value)[] changes)
    {
        var parameters = new Dictionary<string, string>
        {
            ["response_type"] = "code",
            ["client_id"] = application.Credentials.ClientId,
            ["redirect_uri"] = Operator.Callback,
            ["scope"] = "openid",
            ["state"] = "the-state",
            ["code_challenge"] = Pkce.Challenge(Verifier),
            ["code_challenge_method"] = "S256",
        };
        foreach (var (name, value) in changes)
        {
            if (value is null)
            {
                parameters.Remove(name);
                continue;
            }

            parameters[name] = value;
        }

        return Urls.WithQuery(Issuer + "authorize", parameters);
    }

    /// <summary>The code verifier behind <see cref="AuthorizeUrl"/>.</summary>
    internal const string Verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

    internal Task<Answer> AuthorizeAsync(Application application, Browser? browser, params (string Name, string? Value)[] changes) =>
        SendAsync(new HttpRequestMessage(HttpMethod.Get, AuthorizeUrl(application, changes)), browser);

    /// <summary>A browser in which the user has signed in.</summary>
    internal async Task<Browser> SignedInBrowserAsync(string email = Email)
    {
        var browser = Server.NewBrowser();
        await Web.AuthorizeAsync(browser, email, Password, audience: null, "openid");
        return browser;
    }

    internal async Task BlockAsync(string userId, bool blocked = true)
    {
        var user = (await Server.Storage.FindAsync<User>(userId, CancellationToken.None))!;
        (await Server.Storage.CommitAsync(new Batch().Replace(user with { Blocked = blocked }))).Committed.ShouldBeTrue();
    }

    private static JsonObject With(JsonObject? more, JsonObject body)
    {
        foreach (var (member, value) in more ?? [])
        {
            body[member] = value?.DeepClone();
        }

        return body;
    }
}
