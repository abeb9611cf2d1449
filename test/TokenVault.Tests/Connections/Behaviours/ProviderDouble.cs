using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using TokenVault.Server.Demo;
using TokenVault.Testing;

namespace TokenVault.Tests.Connections.Behaviours;

/// <summary>
/// One HTTPS server in the place of every provider: it answers under the providers' own host names, as the one whose turn it is. What does
/// not follow that provider's rules is refused, and the reason kept for the test to show.
/// </summary>
internal sealed class ProviderDouble : IAsyncDisposable
{
    public const string ClientId = "client:id/1";
    public const string ClientSecret = "s3cret+&=%/ä";

    private readonly SandboxKey _key = new(KeyPool.Take);
    private readonly TimeProvider _time;
    private readonly (X509Certificate2 Authority, X509Certificate2 Server) _certificates;
    private WebApplication? _app;

    private ProviderDouble(TimeProvider time, IEnumerable<string> hosts)
    {
        _time = time;
        _certificates = DoubleCertificates.Make(hosts);
        AuthorityPem = _certificates.Authority.ExportCertificatePem();
    }

    public string AuthorityPem { get; }

    public int Port { get; private set; }

    public DoubleGrants Grants { get; private set; } = new(RefreshRule.None);

    public Behaviour Behaviour { get; private set; } = null!;

    /// <summary>Why requests were refused.</summary>
    public List<string> Refusals { get; } = [];

    public List<string> Revoked { get; } = [];

    /// <summary>How often the revocation endpoint is out of order from now on.</summary>
    public int RevocationOutages { get; set; }

    /// <summary>How often the trade of a token for a long-lived one fails from now on.</summary>
    public int TradeOutages { get; set; }

    public static async Task<ProviderDouble> StartAsync(TimeProvider time, IEnumerable<string> hosts)
    {
        var it = new ProviderDouble(time, hosts);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(it._certificates.Server)));
        it._app = builder.Build();
        it._app.Run(it.AnswerAsync);
        await it._app.StartAsync();
        it.Port = new Uri(it._app.Urls.Single()).Port;
        return it;
    }

    /// <summary>From now on it is this provider, with nobody known.</summary>
    public void Become(Behaviour behaviour)
    {
        Behaviour = behaviour;
        Grants = new DoubleGrants(behaviour.Rotation);
        Refusals.Clear();
        Revoked.Clear();
    }

    /// <summary>From now on it does something otherwise, and goes on knowing whom it knows.</summary>
    public void Change(Behaviour behaviour) => Behaviour = behaviour;

    /// <summary>The connection that is made whatever host was asked for.</summary>
    public async Task<Stream> DialAsync(CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, Port), cancellationToken);
        return new NetworkStream(socket, ownsSocket: true);
    }

    /// <summary>What a person's browser does at the provider: where they are sent back to.</summary>
    public async Task<string> ApproveAsync(string url)
    {
        using var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false };
        handler.ConnectCallback = async (_, cancellationToken) => await DialAsync(cancellationToken);
        handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            CustomTrustStore = { _certificates.Authority },
            RevocationMode = X509RevocationMode.NoCheck,
        };
        using var http = new HttpClient(handler);
        using var response = await http.GetAsync(new Uri(url));
        return response.Headers.Location?.OriginalString ?? throw new InvalidOperationException($"{Behaviour}: {string.Join("; ", Refusals)}");
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
        {
            await _app.StopAsync();
            await _app.DisposeAsync();
        }

        _key.Dispose();
        _certificates.Authority.Dispose();
        _certificates.Server.Dispose();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var request = await DoubleRequest.ReadAsync(context);
        try
        {
            await RouteAsync(context, request);
        }
        catch (DoubleRefusal refusal)
        {
            Refusals.Add($"{request.Method} {request.Url}: {refusal.Message}");
            context.Response.StatusCode = refusal.Status;
            context.Response.ContentType = "application/json";
            await context.Response.WriteAsync(refusal.Body ?? new JsonObject { ["error"] = "invalid_request", ["error_description"] = refusal.Message }.ToJsonString());
        }
    }

    private Task RouteAsync(HttpContext context, DoubleRequest request)
    {
        var address = request.Url.Split('?')[0];
        if (request.Method == "GET" && address == Behaviour.Authorize)
        {
            return AuthorizeAsync(context, request);
        }

        if (Behaviour.OpenId is { } openId && address == openId.Keys)
        {
            return WriteAsync(context, _key.Jwks().ToJsonString());
        }

        foreach (var header in Behaviour.Headers)
        {
            DoubleRefusal.Unless(context.Request.Headers.ContainsKey(header), $"the header {header} is missing");
        }

        if (Behaviour.User is { } user && request.Url == user.Url)
        {
            return UserAsync(context, request, user);
        }

        if (Behaviour.Revocation is { } revocation && request.Url == revocation.Url.Replace("{client_id}", Uri.EscapeDataString(ClientId)))
        {
            return RevokeAsync(context, request, revocation);
        }

        DoubleRefusal.Unless(request.Method == "POST" && (address == Behaviour.Token || address == Behaviour.Refresh), "no such address");
        return TokenAsync(context, request, address);
    }

    private Task AuthorizeAsync(HttpContext context, DoubleRequest request)
    {
        var query = request.Query;
        var demands = Behaviour.Demands.Select(demand => demand.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1]);
        string[] pkce = Behaviour.Pkce == PkceRule.Refused ? [] : ["code_challenge", "code_challenge_method"];
        string[] known = ["response_type", "client_id", "redirect_uri", "state", Behaviour.ScopeName, .. Behaviour.OpenId is null ? [] : (string[])["nonce"], .. pkce, .. demands.Keys];
        DoubleRefusal.Unless(query["response_type"] == "code" && query["client_id"] == ClientId, "response_type or client_id");
        DoubleRefusal.Unless(!query.Keys.Except(known).Any(), "unknown parameters " + string.Join(' ', query.Keys.Except(known)));
        DoubleRefusal.Unless(demands.All(demand => query.GetValueOrDefault(demand.Key) == demand.Value), "missing parameters of " + string.Join(' ', Behaviour.Demands));
        DoubleRefusal.Unless(Behaviour.Pkce != PkceRule.Required || query.GetValueOrDefault("code_challenge_method") == "S256", "no PKCE");
        DoubleRefusal.Unless(query["redirect_uri"].Contains("/login/callback/", StringComparison.Ordinal), "redirect_uri");

        var scopes = query.GetValueOrDefault(Behaviour.ScopeName, "").Split(Behaviour.Separator, StringSplitOptions.RemoveEmptyEntries);
        DoubleRefusal.Unless(!Behaviour.Needs.Except(scopes).Any() && !Behaviour.Asks.Except(scopes).Any(), "not asked for: " + string.Join(' ', Behaviour.Needs.Concat(Behaviour.Asks).Except(scopes)));
        DoubleRefusal.Unless(scopes.All(scope => scope.IndexOfAny([' ', ',']) < 0), "the scopes are not told apart: " + query.GetValueOrDefault(Behaviour.ScopeName));
        var code = Grants.Approve(scopes, query.GetValueOrDefault("nonce"), query["redirect_uri"], query.GetValueOrDefault("code_challenge"));
        context.Response.Redirect(QueryHelpers.AddQueryString(query["redirect_uri"] + "?" + Behaviour.Callback, new Dictionary<string, string?> { ["code"] = code, ["state"] = query["state"] }));
        return Task.CompletedTask;
    }

    private Task TokenAsync(HttpContext context, DoubleRequest request, string address)
    {
        var fields = request.Client(Behaviour.Basic, Behaviour.Json);
        var (word, code, again) = Behaviour.OldDraft ? ("type", "web_server", "refresh") : ("grant_type", "authorization_code", "refresh_token");
        var kind = fields.GetValueOrDefault(word);
        DoubleRefusal.Unless(address == (kind == again ? Behaviour.Refresh ?? Behaviour.Token : Behaviour.Token), $"{kind} at the wrong address");
        if (kind == "fb_exchange_token")
        {
            DoubleRefusal.UnlessOnly(fields, word, "fb_exchange_token");
            if (TradeOutages-- > 0)
            {
                context.Response.StatusCode = 503;
                return Task.CompletedTask;
            }

            return IssueAsync(context, Grants.Upgrade(fields["fb_exchange_token"]), isRefresh: false);
        }

        if (kind == again)
        {
            DoubleRefusal.UnlessOnly(fields, word, "refresh_token", Behaviour.OldDraft ? "redirect_uri" : word);
            DoubleRefusal.Unless(!Behaviour.OldDraft || fields.ContainsKey("redirect_uri"), "no redirect_uri");
            return IssueAsync(context, Grants.Refresh(fields["refresh_token"]), isRefresh: true);
        }

        DoubleRefusal.Unless(kind == code, $"{word} is {kind}");
        foreach (var demand in Behaviour.RedeemDemands.Select(demand => demand.Split('=')))
        {
            DoubleRefusal.Unless(fields.Remove(demand[0], out var value) && value == demand[1], $"no {demand[0]}={demand[1]}");
        }

        DoubleRefusal.UnlessOnly(fields, word, "code", "redirect_uri", Behaviour.Pkce == PkceRule.Refused ? word : "code_verifier");
        return IssueAsync(context, Grants.Redeem(fields["code"], fields["redirect_uri"], fields.GetValueOrDefault("code_verifier")), isRefresh: false);
    }

    private Task IssueAsync(HttpContext context, (Grant Grant, string AccessToken, string? RefreshToken)? issued, bool isRefresh)
    {
        if (issued is not { } tokens)
        {
            throw new DoubleRefusal("not valid") { Status = Behaviour.Dead.Status, Body = Behaviour.Dead.Body };
        }

        var idToken = Behaviour.OpenId is { } openId ? _key.Sign(Claims(openId, isRefresh ? null : tokens.Grant.Nonce)) : null;
        var issue = new Issue(tokens.AccessToken, tokens.RefreshToken, tokens.Grant.Scopes, Behaviour.SaysLifetime ? Behaviour.Lifetime : null, isRefresh, idToken);
        var answer = Behaviour.Answer(issue);
        if (!Behaviour.AnswersForm)
        {
            return WriteAsync(context, answer.ToJsonString());
        }

        context.Response.ContentType = "application/x-www-form-urlencoded; charset=utf-8";
        return context.Response.WriteAsync(string.Join('&', answer.AsObject().Select(member => $"{member.Key}={Uri.EscapeDataString(member.Value!.ToString())}")));
    }

    private JsonObject Claims(OpenIdPlace openId, string? nonce)
    {
        var now = _time.GetUtcNow().ToUnixTimeSeconds();
        var claims = new JsonObject { ["iss"] = openId.Issuer, ["sub"] = Behaviour.UserId, ["aud"] = ClientId, ["iat"] = now, ["exp"] = now + 3600, ["email"] = Behaviour.Email };
        if (nonce is not null)
        {
            claims["nonce"] = nonce;
        }

        return claims.And(openId.Claims).AsObject();
    }

    private Task UserAsync(HttpContext context, DoubleRequest request, UserPlace user)
    {
        var (name, value) = (user.Authorization.Split(": ", 2)[0], user.Authorization.Split(": ", 2)[1]);
        var sent = context.Request.Headers[name].ToString();
        var prefix = value.Replace("{token}", "", StringComparison.Ordinal);
        DoubleRefusal.Unless(sent.StartsWith(prefix, StringComparison.Ordinal) && Grants.Find(sent[prefix.Length..]) is not null, $"{name} is not {value}");
        DoubleRefusal.Unless(request.Method == (user.Query is null ? "GET" : "POST"), "the method");
        DoubleRefusal.Unless(user.Query is null || request.Body.Contains(user.Query, StringComparison.Ordinal), "the query");
        return WriteAsync(context, user.Json);
    }

    private Task RevokeAsync(HttpContext context, DoubleRequest request, RevocationPlace place)
    {
        DoubleRefusal.Unless(request.Method == place.Method, "the method");
        if (RevocationOutages > 0)
        {
            RevocationOutages--;
            context.Response.StatusCode = 503;
            return Task.CompletedTask;
        }

        var (form, name) = place.Place == "none" ? ("none", "") : (place.Place.Split(' ')[0], place.Place.Split(' ')[1]);
        var fields = place.Proof == "client" ? request.Client(place.Basic || Behaviour.Basic, form == "json") : request.Fields(form);
        var token = place.Proof switch
        {
            "bearer" => context.Request.Headers.Authorization.ToString()["Bearer ".Length..],
            "client" or "none" => fields.GetValueOrDefault(name, ""),
            _ => context.Request.Headers[place.Proof].ToString(),
        };
        DoubleRefusal.Unless(form == "none" ? request.Body.Length == 0 && context.Request.ContentType is null : fields.GetValueOrDefault(name) == token, "the token's place");
        if (!Grants.Revoke(token, place.Kind))
        {
            throw new DoubleRefusal("not valid") { Status = place.Dead.Status, Body = place.Dead.Body };
        }

        Revoked.Add(token);
        return WriteAsync(context, place.Answer);
    }

    private static Task WriteAsync(HttpContext context, string body)
    {
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(body);
    }
}
