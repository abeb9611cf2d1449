using System.Buffers.Text;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;

namespace TokenVault.Samples.McpServer;

/// <summary>
/// The vault's access tokens for this server, and nothing else: its signature, issuer, audience and time. With the package
/// Microsoft.AspNetCore.Authentication.JwtBearer, <c>AddJwtBearer</c> stands in its place.
/// </summary>
internal sealed class BearerHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder, SampleSettings settings, IHttpClientFactory http, TimeProvider time)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    public new const string Scheme = "bearer";
    public const string MetadataPath = "/.well-known/oauth-protected-resource/mcp";

    /// <summary>Where clients are to get a token (RFC 9728).</summary>
    public static Task WriteMetadataAsync(HttpContext context, SampleSettings settings) => context.Response.WriteAsync(
        new JsonObject { ["resource"] = settings.Resource, ["authorization_servers"] = new JsonArray(settings.Issuer) }.ToJsonString(), context.RequestAborted);

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (Request.Headers.Authorization is not [{ } header] || !header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase))
        {
            return AuthenticateResult.NoResult();
        }

        var token = header["Bearer ".Length..];
        try
        {
            return await VerifyAsync(token) is { } user ? AuthenticateResult.Success(Ticket(user, token)) : AuthenticateResult.Fail("The access token is not valid here.");
        }
        catch (Exception e) when (e is FormatException or JsonException or CryptographicException or InvalidOperationException or KeyNotFoundException)
        {
            return AuthenticateResult.Fail("The access token is not valid here.");
        }
    }

    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        Response.StatusCode = StatusCodes.Status401Unauthorized;
        Response.Headers.WWWAuthenticate = $"Bearer resource_metadata=\"{settings.Origin}{MetadataPath}\"";
        return Task.CompletedTask;
    }

    private async Task<string?> VerifyAsync(string token)
    {
        if (token.Split('.') is not [var header, var payload, var signature])
        {
            return null;
        }

        using var keys = JsonDocument.Parse(await http.CreateClient(Scheme).GetStringAsync(new Uri(settings.Issuer + ".well-known/jwks.json"), Context.RequestAborted));
        using var head = JsonDocument.Parse(Base64Url.DecodeFromChars(header));
        var kid = head.RootElement.GetProperty("kid").GetString();
        var key = keys.RootElement.GetProperty("keys").EnumerateArray().Single(one => one.GetProperty("kid").GetString() == kid && one.GetProperty("kty").GetString() == "RSA");
        using var rsa = RSA.Create(new RSAParameters { Modulus = Bytes(key, "n"), Exponent = Bytes(key, "e") });
        if (!rsa.VerifyData(Encoding.ASCII.GetBytes($"{header}.{payload}"), Base64Url.DecodeFromChars(signature), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1))
        {
            return null;
        }

        using var claims = JsonDocument.Parse(Base64Url.DecodeFromChars(payload));
        var root = claims.RootElement;
        var audiences = root.GetProperty("aud") is { ValueKind: JsonValueKind.Array } many ? many.EnumerateArray().Select(one => one.GetString()) : [root.GetProperty("aud").GetString()];
        return root.GetProperty("iss").GetString() == settings.Issuer
            && audiences.Contains(settings.Resource, StringComparer.Ordinal)
            && root.GetProperty("scope").ValueKind == JsonValueKind.String
            && root.GetProperty("exp").GetInt64() > time.GetUtcNow().ToUnixTimeSeconds()
            ? root.GetProperty("sub").GetString()
            : null;
    }

    /// <summary>With the token, which the tool's client exchanges.</summary>
    private static AuthenticationTicket Ticket(string user, string token)
    {
        var properties = new AuthenticationProperties();
        properties.StoreTokens([new AuthenticationToken { Name = "access_token", Value = token }]);
        return new AuthenticationTicket(new ClaimsPrincipal(new ClaimsIdentity([new Claim("sub", user)], Scheme)), properties, Scheme);
    }

    private static byte[] Bytes(JsonElement key, string name) => Base64Url.DecodeFromChars(key.GetProperty(name).GetString());
}
