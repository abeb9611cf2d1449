using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace TokenVault.Testing;

/// <summary>
/// A way in which a provider misbehaves. Left as it is, a fault that replaces the answer comes before the provider has done anything;
/// <see cref="AfterCommit"/> lets the provider do its work first and loses only the answer.
/// </summary>
internal sealed record Fault
{
    private const string Json = "application/json";

    public FakeGate? Gate { get; private init; }

    /// <summary>Written in place of the true answer.</summary>
    public Func<HttpContext, Task>? Replace { get; init; }

    /// <summary>A change of the true answer's JSON.</summary>
    public Action<JsonObject, FakeProvider>? Rewrite { get; private init; }

    /// <summary>The changed JSON is sent as a form.</summary>
    public bool AsForm { get; private init; }

    public bool Committed { get; private init; }

    public Fault AfterCommit() => this with { Committed = true };

    /// <summary>The request waits at the gate, then goes on as if nothing had been.</summary>
    public static Fault Held(FakeGate gate) => new() { Gate = gate };

    /// <summary>No answer until the caller gives up or the provider is disposed.</summary>
    public static Fault Hang() => Held(new FakeGate());

    /// <summary>This fault, after a wait at the gate.</summary>
    public Fault HeldAt(FakeGate gate) => this with { Gate = gate };

    public static Fault Answer(int status, string contentType, string body) => Replacing(context =>
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = contentType;
        return context.Response.WriteAsync(body, context.RequestAborted);
    });

    public static Fault Status(int status) => Answer(status, "text/plain", "");

    public static Fault Error(int status, string code) => Answer(status, Json, new JsonObject { ["error"] = code }.ToJsonString());

    /// <param name="retryAfter">Seconds or an HTTP date, as it goes into the header.</param>
    public static Fault TooManyRequests(string retryAfter) => Replacing(context =>
    {
        context.Response.StatusCode = 429;
        context.Response.Headers.RetryAfter = retryAfter;
        return Task.CompletedTask;
    });

    public static Fault Html(int status = 200) => Answer(status, "text/html", "<!doctype html><title>Sorry</title><h1>We are down</h1>");

    /// <summary>Half of a JSON text, in a complete HTTP message.</summary>
    public static Fault TruncatedJson() => Answer(200, Json, """{"access_token":"at","expires_in":36""");

    /// <summary>The connection ends before the announced end of the body.</summary>
    public static Fault BrokenOff() => Replacing(async context =>
    {
        context.Response.ContentLength = 1000;
        context.Response.ContentType = Json;
        await context.Response.WriteAsync("""{"access_token":"at",""", context.RequestAborted);
        await context.Response.Body.FlushAsync(context.RequestAborted);
        context.Abort();
    });

    /// <summary>The connection is cut without a byte.</summary>
    public static Fault Cut() => Replacing(context =>
    {
        context.Abort();
        return Task.CompletedTask;
    });

    /// <summary>A body larger than anybody should read.</summary>
    public static Fault Oversize(int bytes = 1024 * 1024) => Replacing(async context =>
    {
        context.Response.ContentType = Json;
        await context.Response.WriteAsync("{\"access_token\":\"", context.RequestAborted);
        var chunk = Encoding.ASCII.GetBytes(new string('a', 16 * 1024));
        for (var sent = 0; sent < bytes; sent += chunk.Length)
        {
            await context.Response.Body.WriteAsync(chunk, context.RequestAborted);
        }
    });

    public static Fault Redirect(string location) => Replacing(context =>
    {
        context.Response.Redirect(location);
        return Task.CompletedTask;
    });

    /// <summary>GitHub's way: status 200 and a form.</summary>
    public static Fault FormError(string code) =>
        Answer(200, "application/x-www-form-urlencoded; charset=utf-8", $"error={code}&error_description=No.&error_uri=%2Fdocs");

    /// <summary>Slack's way: status 200 and <c>ok:false</c>.</summary>
    public static Fault OkFalse(string code) => Answer(200, Json, new JsonObject { ["ok"] = false, ["error"] = code }.ToJsonString());

    /// <summary>The authorization endpoint sends the browser back with an error.</summary>
    /// <param name="iss">Null: the provider's own (RFC 9207); empty: none.</param>
    public static Fault Denied(string code = "access_denied", string? iss = null) => Replacing(context =>
    {
        var query = context.Request.Query;
        var answer = $"{query["redirect_uri"]}?error={code}&state={Uri.EscapeDataString(query["state"].ToString())}";
        var issuer = iss ?? $"{context.Request.Scheme}://{context.Request.Host}";
        context.Response.Redirect(issuer.Length == 0 ? answer : $"{answer}&iss={Uri.EscapeDataString(issuer)}");
        return Task.CompletedTask;
    });

    public static Fault NoRefreshToken() => Without("refresh_token");

    /// <summary>The refresh answers with the token that was sent.</summary>
    public static Fault SameRefreshToken() => Rewriting((answer, provider) => answer["refresh_token"] = provider.LastRefreshTokenSent);

    public static Fault NoExpiresIn() => Without("expires_in");

    public static Fault ExpiresIn(JsonNode? value) => Rewriting((answer, _) => answer["expires_in"] = value?.DeepClone());

    public static Fault StringExpiresIn() =>
        Rewriting((answer, _) => answer["expires_in"] = answer["expires_in"]!.GetValue<int>().ToString(CultureInfo.InvariantCulture));

    public static Fault NoScope() => Without("scope");

    public static Fault CommaScopes() => Rewriting((answer, _) => answer["scope"] = answer["scope"]!.GetValue<string>().Replace(' ', ','));

    public static Fault Scopes(params string[] scopes) => Rewriting((answer, _) => answer["scope"] = string.Join(' ', scopes));

    /// <summary>The true answer, as a form.</summary>
    public static Fault FormAnswer() => Rewriting((_, _) => { }) with { AsForm = true };

    public static Fault NoIdToken() => Without("id_token");

    /// <summary>The id_token, validly signed, with another value of one claim; null takes the claim away.</summary>
    public static Fault IdTokenClaim(string claim, JsonNode? value) => Rewriting((answer, provider) =>
        answer["id_token"] = provider.Resign(answer["id_token"]!.GetValue<string>(), claims =>
        {
            if (value is null)
            {
                claims.Remove(claim);
                return;
            }

            claims[claim] = value.DeepClone();
        }));

    public static Fault Rewriting(Action<JsonObject, FakeProvider> rewrite) => new() { Rewrite = rewrite };

    private static Fault Without(string member) => Rewriting((answer, _) => answer.Remove(member));

    private static Fault Replacing(Func<HttpContext, Task> replace) => new() { Replace = replace };
}
