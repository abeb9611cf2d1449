using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.WebUtilities;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Demo;

/// <summary>The sandbox provider's HTTP surface: OAuth 2.0 with PKCE and refresh, OpenID Connect, revocation, and one API to call.</summary>
internal sealed class SandboxEndpoints(SandboxOptions options, SandboxEngine engine, SandboxKey key, TimeProvider time)
{
    private const string Write = "calendar.write";

    private readonly ConcurrentQueue<(string Owner, string Title, string At)> _added = new();

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/authorize", (RequestDelegate)AuthorizeAsync);
        routes.MapPost("/token", (RequestDelegate)TokenAsync);
        routes.MapPost("/revoke", (RequestDelegate)RevokeAsync);
        routes.MapGet("/userinfo", (RequestDelegate)UserinfoAsync);
        routes.MapGet("/api/calendar", (RequestDelegate)CalendarAsync);
        routes.MapPost("/api/calendar", (RequestDelegate)AddEventAsync);
        routes.MapGet("/jwks", (RequestDelegate)(context => WriteAsync(context, 200, key.Jwks())));
        routes.MapGet("/.well-known/openid-configuration", (RequestDelegate)MetadataAsync);
    }

    private Task AuthorizeAsync(HttpContext context)
    {
        var query = context.Request.Query;
        var redirectUri = query["redirect_uri"].ToString();

        // Never redirect to an address that is not the client's (RFC 6749 §4.1.2.1).
        if (query["client_id"] != options.ClientId || !options.AcceptsRedirect(redirectUri))
        {
            return WriteAsync(context, 400, Error("invalid_request"));
        }

        var challenge = query["code_challenge"].ToString();
        var valid = query["response_type"] == "code" && (challenge.Length == 0 || query["code_challenge_method"] == "S256");
        var answer = new Dictionary<string, string?>(StringComparer.Ordinal) { ["iss"] = Issuer(context) };
        if (query.TryGetValue("state", out var state))
        {
            answer["state"] = state;
        }

        if (valid)
        {
            var scopes = Scope.ParseLenient(query["scope"]);
            answer["code"] = engine.Authorize(query["login_hint"], redirectUri, scopes, Given(challenge), Given(query["nonce"]));
        }
        else
        {
            answer["error"] = "invalid_request";
        }

        context.Response.Redirect(QueryHelpers.AddQueryString(redirectUri, answer));
        return Task.CompletedTask;
    }

    private async Task TokenAsync(HttpContext context)
    {
        var form = await context.Request.ReadFormAsync(context.RequestAborted);
        if (!IsClient(context, form))
        {
            await WriteAsync(context, 401, Error("invalid_client"));
            return;
        }

        var grantType = form["grant_type"].ToString();
        var tokens = grantType switch
        {
            Wire.AuthorizationCode => engine.Redeem(form["code"].ToString(), form["redirect_uri"].ToString(), Given(form["code_verifier"])),
            Wire.RefreshToken => engine.Refresh(form["refresh_token"].ToString(), Scope.Parse(form["scope"])),
            _ => null,
        };
        if (tokens is null)
        {
            var known = grantType is Wire.AuthorizationCode or Wire.RefreshToken;
            await WriteAsync(context, 400, Error(known ? "invalid_grant" : "unsupported_grant_type"));
            return;
        }

        await WriteAsync(context, 200, Answer(context, tokens));
    }

    private async Task RevokeAsync(HttpContext context)
    {
        var form = await context.Request.ReadFormAsync(context.RequestAborted);
        if (!IsClient(context, form))
        {
            await WriteAsync(context, 401, Error("invalid_client"));
            return;
        }

        engine.Revoke(form["token"].ToString());
        context.Response.StatusCode = 200;
    }

    private Task UserinfoAsync(HttpContext context) => Grant(context) is { Person: var person }
        ? WriteAsync(context, 200, new JsonObject { ["sub"] = person.Subject, ["name"] = person.Name, ["email"] = person.Email })
        : RefuseAsync(context);

    private Task CalendarAsync(HttpContext context) => Grant(context) is { } grant
        ? WriteAsync(context, 200, new JsonObject
        {
            ["owner"] = grant.Person.Subject,
            ["events"] = new JsonArray(
            [
                Event("Lunch with Charles", "12:30"),
                .. _added.Where(added => added.Owner == grant.Person.Subject).Select(added => Event(added.Title, added.At)),
            ]),
        })
        : RefuseAsync(context);

    /// <summary>A form with <c>title</c> and <c>at</c>; needs a token that is good for <c>calendar.write</c>.</summary>
    private async Task AddEventAsync(HttpContext context)
    {
        if (Grant(context) is not { } grant)
        {
            await RefuseAsync(context);
            return;
        }

        var form = await context.Request.ReadFormAsync(context.RequestAborted);
        if (!grant.Scopes.Contains(Write))
        {
            await WriteAsync(context, 403, Error("insufficient_scope"));
            return;
        }

        _added.Enqueue((grant.Person.Subject, form["title"].ToString(), form["at"].ToString()));
        await WriteAsync(context, 201, Event(form["title"].ToString(), form["at"].ToString()));
    }

    private Task MetadataAsync(HttpContext context)
    {
        var issuer = Issuer(context);
        return WriteAsync(context, 200, new JsonObject
        {
            ["issuer"] = issuer,
            ["authorization_endpoint"] = issuer + "/authorize",
            ["token_endpoint"] = issuer + "/token",
            ["userinfo_endpoint"] = issuer + "/userinfo",
            ["revocation_endpoint"] = issuer + "/revoke",
            ["jwks_uri"] = issuer + "/jwks",
            ["response_types_supported"] = new JsonArray("code"),
            ["subject_types_supported"] = new JsonArray("public"),
            ["id_token_signing_alg_values_supported"] = new JsonArray("RS256"),
            ["token_endpoint_auth_methods_supported"] = new JsonArray("client_secret_basic", "client_secret_post"),
            ["code_challenge_methods_supported"] = new JsonArray("S256"),
            ["authorization_response_iss_parameter_supported"] = true,
        });
    }

    private JsonObject Answer(HttpContext context, SandboxTokens tokens)
    {
        var grant = tokens.Grant;
        var answer = new JsonObject
        {
            ["access_token"] = tokens.AccessToken,
            ["token_type"] = "Bearer",
            ["expires_in"] = (int)tokens.Lifetime.TotalSeconds,
            ["scope"] = Scope.Format(tokens.Scopes),
        };
        if (tokens.RefreshToken is not null)
        {
            answer["refresh_token"] = tokens.RefreshToken;
        }

        if (tokens.Scopes.Contains(Wire.OpenId))
        {
            answer["id_token"] = key.Sign(Claims(context, grant));
        }

        return answer;
    }

    private JsonObject Claims(HttpContext context, SandboxGrant grant)
    {
        var now = time.GetUtcNow().ToUnixTimeSeconds();
        var claims = new JsonObject
        {
            ["iss"] = Issuer(context),
            ["sub"] = grant.Person.Subject,
            ["aud"] = options.ClientId,
            ["iat"] = now,
            ["exp"] = now + 3600,
            ["name"] = grant.Person.Name,
            ["email"] = grant.Person.Email,
        };

        // OpenID Connect Core §12.2: the id_token of a refresh has no nonce of its own.
        if (grant.Nonce is not null && grant.Generation == 1)
        {
            claims["nonce"] = grant.Nonce;
        }

        return claims;
    }

    private SandboxGrant? Grant(HttpContext context) =>
        AuthenticationHeaderValue.TryParse(context.Request.Headers.Authorization, out var header) && header is { Scheme: "Bearer", Parameter: { } token }
            ? engine.Find(token)
            : null;

    private bool IsClient(HttpContext context, IFormCollection form)
    {
        if (AuthenticationHeaderValue.TryParse(context.Request.Headers.Authorization, out var header) && header is { Scheme: "Basic", Parameter: { } pair })
        {
            var parts = Encoding.UTF8.GetString(Convert.FromBase64String(pair)).Split(':');
            return parts.Length == 2 && IsClient(WebUtility.UrlDecode(parts[0]), WebUtility.UrlDecode(parts[1]));
        }

        return IsClient(form["client_id"].ToString(), form["client_secret"].ToString());
    }

    private bool IsClient(string id, string secret) => id == options.ClientId && secret == options.ClientSecret;

    private static string Issuer(HttpContext context) => $"{context.Request.Scheme}://{context.Request.Host}";

    private static JsonObject Event(string title, string at) => new() { ["title"] = title, ["at"] = at };

    private static string? Given(string? value) => string.IsNullOrEmpty(value) ? null : value;

    private static JsonObject Error(string code) => new() { ["error"] = code, ["error_description"] = "The sandbox says no." };

    private static Task RefuseAsync(HttpContext context)
    {
        context.Response.Headers.WWWAuthenticate = "Bearer error=\"invalid_token\"";
        return WriteAsync(context, 401, Error("invalid_token"));
    }

    private static Task WriteAsync(HttpContext context, int status, JsonObject json)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        context.Response.Headers.CacheControl = "no-store";
        return context.Response.WriteAsync(json.ToJsonString(), context.RequestAborted);
    }
}
