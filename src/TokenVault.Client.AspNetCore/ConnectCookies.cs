using System.Buffers.Text;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Http;

namespace TokenVault.Client.AspNetCore;

/// <summary>One cookie for each connecting that is under way in a browser, sealed by Data Protection and bound to the signed-in user.</summary>
internal sealed class ConnectCookies(IDataProtectionProvider protection, TimeProvider time)
{
    private const string Prefix = "__Host-tokenvault-connect-";

    private readonly IDataProtector _protector = protection.CreateProtector("TokenVault.Connect.v1");

    public void Write(HttpContext context, ConnectState state) =>
        context.Response.Cookies.Append(
            Name(state.Pending.State), _protector.Protect(JsonSerializer.Serialize(state, ConnectJson.Default.ConnectState)), Options(state.Pending.ExpiresAt));

    /// <summary>Takes the cookie away, good or not: it is good once.</summary>
    /// <returns>Null: this browser, or this user, has begun no such connecting, or too long ago.</returns>
    public ConnectState? Take(HttpContext context, string state)
    {
        var name = Name(state);
        if (context.Request.Cookies[name] is not { } cookie)
        {
            return null;
        }

        context.Response.Cookies.Delete(name, Options(expires: null));
        return Open(cookie) is { } kept && Same(kept.Pending.State, state) && Same(kept.User, UserOf(context.User)) && kept.Pending.ExpiresAt > time.GetUtcNow()
            ? kept
            : null;
    }

    /// <summary>A name for the user that says nothing about them.</summary>
    public static string UserOf(ClaimsPrincipal user)
    {
        var id = user.FindFirst("sub") ?? user.FindFirst(ClaimTypes.NameIdentifier)
            ?? throw new InvalidOperationException("The signed-in user has neither the claim sub nor a NameIdentifier: there is nothing to bind the connecting to.");
        return Hash($"{id.Issuer}\n{id.Value}");
    }

    private ConnectState? Open(string cookie)
    {
        try
        {
            return JsonSerializer.Deserialize(_protector.Unprotect(cookie), ConnectJson.Default.ConnectState);
        }
        catch (Exception e) when (e is CryptographicException or JsonException)
        {
            return null;
        }
    }

    /// <summary>Lax: the browser comes back by a link from the server's site.</summary>
    private static CookieOptions Options(DateTimeOffset? expires) => new()
    {
        Secure = true,
        HttpOnly = true,
        SameSite = SameSiteMode.Lax,
        Path = "/",
        IsEssential = true,
        Expires = expires,
    };

    private static string Name(string state) => Prefix + Hash(state)[..16];

    private static string Hash(string text) => Base64Url.EncodeToString(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    private static bool Same(string one, string other) => CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(one), Encoding.UTF8.GetBytes(other));
}
