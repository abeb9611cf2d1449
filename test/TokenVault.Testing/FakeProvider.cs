using System.Buffers.Text;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using TokenVault.Server.Demo;

namespace TokenVault.Testing;

/// <summary>
/// The sandbox provider on a free loopback port, with faults on demand and everything in view. Any number of them run side by side.
/// </summary>
internal sealed class FakeProvider : IAsyncDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private SandboxProvider? _sandbox;

    private FakeProvider()
    {
    }

    public FakeEndpoint Authorization { get; } = new();

    /// <summary>The token endpoint, asked with a code.</summary>
    public FakeEndpoint Redemption { get; } = new();

    /// <summary>The token endpoint, asked with a refresh token.</summary>
    public FakeEndpoint Refresh { get; } = new();

    /// <summary>Every call of <see cref="Refresh"/>, in the order of arrival.</summary>
    public FakeRefreshLog Refreshes { get; } = new();

    public FakeEndpoint Revocation { get; } = new();

    public FakeEndpoint Userinfo { get; } = new();

    public FakeEndpoint Calendar { get; } = new();

    public FakeEndpoint Discovery { get; } = new();

    public FakeEndpoint Keys { get; } = new();

    /// <summary>When set, the client proves itself by its key, and its secret is worth nothing.</summary>
    public FakeAssertions? Assertions { get; private set; }

    public SandboxProvider Sandbox => _sandbox ?? throw new InvalidOperationException("The fake provider has not started.");

    public string Issuer => Sandbox.Issuer;

    public string ClientId => Sandbox.Options.ClientId;

    public string ClientSecret => Sandbox.Options.ClientSecret;

    /// <summary>Every issue of tokens, in the order in which the provider decided them.</summary>
    public IReadOnlyList<SandboxCommit> Commits => Sandbox.Engine.Commits;

    /// <summary>What the latest refresh was asked with.</summary>
    public string? LastRefreshTokenSent { get; private set; }

    /// <param name="options">Null: single-use refresh tokens, one hour for access tokens, redirect URIs on loopback.</param>
    /// <param name="time">Null: the system's clock.</param>
    public static async Task<FakeProvider> StartAsync(SandboxOptions? options = null, TimeProvider? time = null)
    {
        var provider = new FakeProvider();
        provider._sandbox = await SandboxProvider.StartAsync((options ?? Defaults()) with { NewKey = KeyPool.Take }, time ?? TimeProvider.System, provider.AnswerAsync);
        return provider;
    }

    /// <summary>To be varied: <c>FakeProvider.Defaults() with { Rotation = … }</c>.</summary>
    public static SandboxOptions Defaults() =>
        new() { AcceptsRedirect = uri => Uri.TryCreate(uri, UriKind.Absolute, out var redirect) && redirect.IsLoopback };

    /// <summary>The options of a connection with strategy <c>oauth2</c>, as the Management API takes them.</summary>
    public JsonObject OAuth2Options(params string[] scopes) => new()
    {
        ["client_id"] = ClientId,
        ["client_secret"] = ClientSecret,
        ["scope"] = string.Join(' ', scopes),
        ["authorizationURL"] = Sandbox.AuthorizationUrl,
        ["tokenURL"] = Sandbox.TokenUrl,
        ["userInfoURL"] = Sandbox.UserInfoUrl,
        ["revocationURL"] = Sandbox.RevocationUrl,
    };

    /// <summary>The options of a connection with strategy <c>oidc</c>, as the Management API takes them.</summary>
    public JsonObject OidcOptions(params string[] scopes) => new()
    {
        ["client_id"] = ClientId,
        ["client_secret"] = ClientSecret,
        ["scope"] = string.Join(' ', scopes.Length == 0 ? ["openid", "profile", "email"] : scopes),
        ["discovery_url"] = Sandbox.DiscoveryUrl,
        ["issuer"] = Issuer,
    };

    /// <summary>From now on the client proves itself by one of these keys (JWKs).</summary>
    public FakeAssertions RequireAssertions(TimeProvider time, params IReadOnlyList<JsonNode> keys) =>
        Assertions = new FakeAssertions(ClientId, ClientSecret, () => Issuer, time) { Keys = keys };

    /// <summary>What a browser does with an authorization address: where the provider sends it back to.</summary>
    public static async Task<Uri> VisitAsync(string authorizationUrl)
    {
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false });
        using var response = await http.GetAsync(new Uri(authorizationUrl));
        return response.Headers.Location ?? throw new InvalidOperationException($"The provider answered {(int)response.StatusCode}.");
    }

    /// <summary>The subject that an access or refresh token was issued for, be it live or not.</summary>
    public string? UserOf(string token) => Commits.FirstOrDefault(c => c.AccessToken == token || c.RefreshToken == token)?.Subject;

    /// <summary>Whether the provider's API takes this access token now.</summary>
    public bool IsLive(string accessToken) => Sandbox.Engine.Find(accessToken) is not null;

    public void ExpireAccessTokens() => Sandbox.Engine.ExpireAccessTokens();

    /// <summary>The person withdraws every grant at the provider.</summary>
    public void RevokeGrant(string subject) => Sandbox.Engine.RevokeGrants(subject);

    /// <summary>The same id_token with changed claims, signed again with the provider's key.</summary>
    public string Resign(string idToken, Action<JsonObject> change)
    {
        var claims = (JsonObject)JsonNode.Parse(Base64Url.DecodeFromChars(idToken.Split('.')[1]))!;
        change(claims);
        return Sandbox.Key.Sign(claims);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await Sandbox.DisposeAsync();
        _stopping.Dispose();
    }

    private async Task AnswerAsync(HttpContext context, RequestDelegate next)
    {
        var endpoint = await EndpointAsync(context);
        if (endpoint is null)
        {
            await next(context);
            return;
        }

        if (Assertions is { } assertions && (endpoint == Redemption || endpoint == Refresh || endpoint == Revocation))
        {
            await assertions.JudgeAsync(context);
        }

        var fault = endpoint.Enter();
        var refresh = endpoint == Refresh ? Refreshes.Begin(Sandbox.Engine, context.Request) : null;
        using var either = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, _stopping.Token);
        try
        {
            await AnswerAsync(context, next, fault, refresh, either.Token);
        }
        catch (OperationCanceledException) when (either.IsCancellationRequested)
        {
            context.Abort();
        }
        finally
        {
            refresh?.MarkEnded();
            endpoint.Leave();
        }
    }

    private async Task AnswerAsync(HttpContext context, RequestDelegate next, Fault? fault, FakeRefresh? refresh, CancellationToken cancellationToken)
    {
        if (fault is not null)
        {
            await MisbehaveAsync(context, next, fault, refresh, cancellationToken);
            return;
        }

        await (refresh is null ? next(context) : Refreshes.AnswerAsync(refresh, context, next, cancellationToken));
    }

    private async Task MisbehaveAsync(
        HttpContext context, RequestDelegate next, Fault fault, FakeRefresh? refresh, CancellationToken cancellationToken)
    {
        if (fault.Gate is not null && !fault.Committed)
        {
            await fault.Gate.HoldAsync(cancellationToken);
        }

        if (fault.Replace is not null && !fault.Committed)
        {
            await fault.Replace(context);
            return;
        }

        using var answer = new MemoryStream();
        var wire = context.Response.Body;
        context.Response.Body = answer;
        await next(context);
        context.Response.Body = wire;
        Refreshes.Committed(refresh, answer.ToArray());
        if (fault.Gate is not null && fault.Committed)
        {
            await fault.Gate.HoldAsync(cancellationToken);
        }

        if (fault.Replace is not null)
        {
            context.Response.Clear();
            await fault.Replace(context);
            return;
        }

        await context.Response.Body.WriteAsync(Changed(context, answer.ToArray(), fault), cancellationToken);
        refresh?.MarkAnswered();
    }

    private byte[] Changed(HttpContext context, byte[] answer, Fault fault)
    {
        if (fault.Rewrite is null || context.Response.StatusCode != 200)
        {
            return answer;
        }

        var json = (JsonObject)JsonNode.Parse(answer)!;
        fault.Rewrite(json, this);
        if (!fault.AsForm)
        {
            return Encoding.UTF8.GetBytes(json.ToJsonString());
        }

        context.Response.ContentType = "application/x-www-form-urlencoded";
        var pairs = json.Select(p => $"{p.Key}={Uri.EscapeDataString(p.Value!.ToString())}");
        return Encoding.ASCII.GetBytes(string.Join('&', pairs));
    }

    private async Task<FakeEndpoint?> EndpointAsync(HttpContext context)
    {
        switch (context.Request.Path.Value)
        {
            case "/authorize":
                return Authorization;
            case "/revoke":
                return Revocation;
            case "/userinfo":
                return Userinfo;
            case "/api/calendar":
                return Calendar;
            case "/jwks":
                return Keys;
            case "/.well-known/openid-configuration":
                return Discovery;
            case "/token":
                return await TokenEndpointAsync(context.Request);
            default:
                return null;
        }
    }

    private async Task<FakeEndpoint> TokenEndpointAsync(HttpRequest request)
    {
        var form = await request.ReadFormAsync(request.HttpContext.RequestAborted);
        if (form["grant_type"] != "refresh_token")
        {
            return Redemption;
        }

        LastRefreshTokenSent = form["refresh_token"];
        return Refresh;
    }
}
