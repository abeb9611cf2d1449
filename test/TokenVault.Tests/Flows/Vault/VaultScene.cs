using System.Text.Json.Nodes;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.DependencyInjection;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Testing;

namespace TokenVault.Tests.Flows.Vault;

/// <summary>A server, a provider, an application and an API with its client, for all tests of one class; each test brings its own user.</summary>
public class VaultScene : IAsyncLifetime
{
    internal const string Calendar = "calendar";
    internal const string Api = "https://calendar-api.example/";
    internal const string Accounts = "me/v1/connected-accounts/accounts";
    internal const string Connect = "me/v1/connected-accounts/connect";
    internal const string Complete = "me/v1/connected-accounts/complete";

    internal static string[] CalendarScopes { get; } = ["openid", "email", "offline_access", "calendar.read"];

    internal TestVault Vault { get; private set; } = null!;

    internal FakeProvider Provider { get; private set; } = null!;

    /// <summary>A web application that exchanges its refresh tokens.</summary>
    internal Application App { get; private set; } = null!;

    /// <summary>The client of <see cref="Api"/>, which exchanges the access tokens it is called with.</summary>
    internal Application ApiClient { get; private set; } = null!;

    internal IStorage Storage => Vault.Storage;

    private protected virtual IReadOnlyDictionary<string, string?>? Settings => null;

    private protected virtual SandboxOptions ProviderOptions => FakeProvider.Defaults();

    internal VaultClock Clock => Vault.Clock;

    private protected virtual void AddServices(IServiceCollection services)
    {
    }

    public virtual async Task InitializeAsync()
    {
        Vault = await TestVault.StartAsync(Settings, AddServices);
        Provider = await FakeProvider.StartAsync(ProviderOptions, Vault.Clock);
        var admin = await AdminAsync();
        ApiClient = new Application(Vault.Api, await admin.CreateApiAsync(Api));
        App = new Application(Vault.Api, await admin.CreateApplicationAsync("Application"));
        await AddConnectionAsync(Calendar);
    }

    public virtual async Task DisposeAsync()
    {
        await Vault.DisposeAsync();
        await Provider.DisposeAsync();
    }

    /// <summary>With a token of its own, so that no move of the clock ends it.</summary>
    internal Task<Operator> AdminAsync() => Operator.SignInAsync(Vault.Api, Vault.Bootstrap);

    /// <param name="options">Null: OpenID Connect at the fake provider.</param>
    internal async Task<JsonNode> AddConnectionAsync(string name, string strategy = "oidc", JsonObject? options = null, params Credentials[] more) =>
        await (await AdminAsync()).CreateConnectionAsync(
            name, strategy, options ?? Provider.OidcOptions(CalendarScopes), [App.Credentials, ApiClient.Credentials, .. more]);

    internal async Task<TestUser> NewUserAsync(Application? application = null)
    {
        var password = Identifier.Secret();
        var email = Identifier.ConnectedAccount().ToLowerInvariant() + "@example.com";
        var id = await (await AdminAsync()).CreateUserAsync(email, password);
        var browser = Vault.NewBrowser();
        var user = new TestUser(this, application ?? App, id, email, password, browser);
        await user.SignInAsync();
        return user;
    }

    /// <summary>A user who has connected an account at <paramref name="connection"/>.</summary>
    internal async Task<TestUser> ConnectedUserAsync(string connection = Calendar, string? person = null)
    {
        var user = await NewUserAsync();
        await user.ConnectAsync(connection, person);
        return user;
    }

    /// <summary>An hour and a second: every provider access token has ended, tokens of ours have not.</summary>
    internal void EndAccessTokens() => Clock.Advance(TimeSpan.FromSeconds(3601));

    /// <summary>The answer is a problem of the contract's form.</summary>
    internal static JsonNode Problem(Answer answer, int status)
    {
        answer.Status.ShouldBe(status, answer.Text);
        answer.ContentHeaders.ContentType!.MediaType.ShouldBe("application/json");
        answer.Json["status"]!.GetValue<int>().ShouldBe(status);
        answer["type"]!.ShouldStartWith("https://");
        answer["title"].ShouldNotBeNullOrEmpty();
        answer["detail"].ShouldNotBeNullOrEmpty();
        return answer.Json;
    }

    /// <summary>A request that no well-behaved client would send.</summary>
    internal async Task<Answer> SendRawAsync(HttpMethod method, string path, string? bearer = null, string? contentType = null, byte[]? body = null)
    {
        using var request = new HttpRequestMessage(method, new Uri(new Uri(Vault.Issuer), path));
        if (bearer is not null)
        {
            request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + bearer);
        }

        if (body is not null)
        {
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        }

        using var response = await Vault.Api.Http.SendAsync(request);
        return new Answer((int)response.StatusCode, await response.Content.ReadAsStringAsync(), response.Headers, response.Content.Headers);
    }

    /// <summary>A connected user whose access token has ended, and whose refresh will be held at the provider.</summary>
    /// <param name="committed">Whether the provider has rotated by then.</param>
    internal async Task<(TestUser User, FakeGate Gate, int Calls)> HeldUserAsync(bool committed)
    {
        var user = await ConnectedUserAsync();
        EndAccessTokens();
        var gate = new FakeGate();
        Provider.Refresh.Next(committed ? Fault.Held(gate).AfterCommit() : Fault.Held(gate));
        return (user, gate, Provider.Refresh.Calls);
    }

    /// <summary>Lets the server work on until the condition holds; for a minute at most.</summary>
    internal static async Task UntilAsync(Func<Task<bool>> condition, Action? meanwhile = null)
    {
        for (var since = TimeProvider.System.GetTimestamp(); !await condition();)
        {
            TimeProvider.System.GetElapsedTime(since).ShouldBeLessThan(TimeSpan.FromMinutes(1));
            meanwhile?.Invoke();
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System);
        }
    }

    /// <summary>As <see cref="UntilAsync"/>, while the server's clock goes on; by leaps where the steps are longer than anything's pulse.</summary>
    internal Task TickUntilAsync(Func<Task<bool>> condition, TimeSpan? step = null) => UntilAsync(condition, () =>
    {
        var by = step ?? TimeSpan.FromMilliseconds(100);
        if (by < TimeSpan.FromMinutes(1))
        {
            Clock.Advance(by);
            return;
        }

        Clock.Jump(by);
    });

    internal async Task<List<JsonNode>> AuditAsync(string type, string? userId = null)
    {
        var rows = await Storage.ReadAuditAsync(0, 100_000, CancellationToken.None);
        var events = rows.Select(row => JsonNode.Parse(row.Body)!);
        return [.. events.Where(e => (string?)e["type"] == type && (userId is null || (string?)e["user_id"] == userId))];
    }
}

/// <summary>A user, signed in to an application, with the browser they did it in.</summary>
internal sealed record TestUser(VaultScene Scene, Application Application, string Id, string Email, string Password, Browser Browser)
{
    /// <summary>For the calendar API.</summary>
    public string AccessToken { get; private set; } = "";

    public string RefreshToken { get; private set; } = "";

    public string? IdToken { get; private set; }

    public async Task SignInAsync()
    {
        var answer = await Application.SignInAsync(Browser, Email, Password, VaultScene.Api, "openid profile email offline_access read:calendar");
        answer.Status.ShouldBe(200, answer.Text);
        (AccessToken, RefreshToken, IdToken) = (answer["access_token"]!, answer["refresh_token"]!, answer["id_token"]);
    }

    /// <summary>A token for the My Account API.</summary>
    public async Task<string> MyTokenAsync(string? scope = null)
    {
        var answer = await Application.RefreshAsync(RefreshToken, Scene.Vault.Issuer + "me/", scope);
        answer.Status.ShouldBe(200, answer.Text);
        return answer["access_token"]!;
    }

    /// <param name="person">Who is signed in at the provider; null: its first user.</param>
    /// <returns>The connected account.</returns>
    public async Task<JsonNode> ConnectAsync(string connection = VaultScene.Calendar, string? person = null)
    {
        var more = person is null ? null : new JsonObject { ["authorization_params"] = new JsonObject { ["login_hint"] = person } };
        var token = await MyTokenAsync();
        var (visit, complete) = await Application.ConnectAsync(Browser, token, connection, more);
        visit["connect_code"].ShouldNotBeNull(visit.Url);
        var answer = await Application.CompleteAsync(token, complete);
        answer.Status.ShouldBe(201, answer.Text);
        return answer.Json;
    }

    public Task<Answer> ExchangeAsync(string connection = VaultScene.Calendar, JsonObject? more = null) =>
        Application.ExchangeAsync(RefreshToken, Wire.RefreshTokenType, connection, more);

    public Task<Answer> ExchangeByAccessTokenAsync(string connection = VaultScene.Calendar, JsonObject? more = null) =>
        Scene.ApiClient.ExchangeAsync(AccessToken, Wire.AccessTokenType, connection, more);

    /// <summary>Asks to connect, and goes no further.</summary>
    public async Task<PendingConnect> BeginAsync(JsonObject? more = null)
    {
        var verifier = Identifier.Secret();
        var body = new JsonObject
        {
            ["connection"] = VaultScene.Calendar,
            ["redirect_uri"] = Operator.Callback,
            ["state"] = "application-state",
            ["code_challenge"] = Pkce.Challenge(verifier),
            ["code_challenge_method"] = "S256",
        };
        foreach (var (member, value) in more ?? [])
        {
            body[member] = value?.DeepClone();
        }

        var token = await MyTokenAsync();
        var answer = await Scene.Vault.Api.SendAsync(HttpMethod.Post, VaultScene.Connect, token, body);
        answer.Status.ShouldBe(201, answer.Text);
        return new PendingConnect(token, verifier, answer);
    }

    public Task<Answer> MyAsync(HttpMethod method, string path, string token, JsonNode? body = null) =>
        Scene.Vault.Api.SendAsync(method, path, token, body);
}

/// <summary>A connect request whose ticket no browser has used yet.</summary>
internal sealed record PendingConnect(string Token, string Verifier, Answer Answer)
{
    public string AuthSession => Answer["auth_session"]!;

    public string Link => $"{Answer["connect_uri"]}?ticket={Answer.Json["connect_params"]!["ticket"]}";

    public JsonObject CompleteBody(string? connectCode) => new()
    {
        ["auth_session"] = AuthSession,
        ["connect_code"] = connectCode,
        ["redirect_uri"] = Operator.Callback,
        ["code_verifier"] = Verifier,
    };

    /// <summary>The query of an address.</summary>
    public static Dictionary<string, string> Query(string url) =>
        QueryHelpers.ParseQuery(new Uri(url).Query).ToDictionary(pair => pair.Key, pair => pair.Value.ToString(), StringComparer.Ordinal);
}
