using System.Security.Cryptography;
using System.Text;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Http;

/// <summary>
/// Binds a way through a provider to the browser that began it (T-CF-05). One cookie per attempt, so that two tabs do not disturb each
/// other; the store knows its hash.
/// </summary>
internal sealed class UpstreamCookie
{
    /// <summary>How long the user may take at the provider.</summary>
    public static readonly TimeSpan AtProvider = TimeSpan.FromMinutes(15);

    private readonly string _name;

    private UpstreamCookie(string name) => _name = name;

    /// <param name="purpose">What the browser is sent to the provider for.</param>
    /// <param name="state">As the provider gets it.</param>
    public static UpstreamCookie Of(string purpose, Secret state) => new($"__Host-tv_{purpose}_{Identifier.Hash(state.Reveal())[..16]}");

    /// <param name="value">A secret of the browser's.</param>
    public void Set(HttpContext context, Secret value) => context.Response.Cookies.Append(_name, value.Reveal(), Options(AtProvider));

    public void Remove(HttpContext context) => context.Response.Cookies.Delete(_name, Options(lifetime: null));

    public bool IsIn(HttpContext context, string? hash) =>
        context.Request.Cookies[_name] is { Length: > 0 and <= 128 } value
        && CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(hash ?? ""), Encoding.ASCII.GetBytes(Identifier.Hash(value)));

    private static CookieOptions Options(TimeSpan? lifetime) =>
        new() { HttpOnly = true, Secure = true, SameSite = SameSiteMode.Lax, Path = "/", MaxAge = lifetime };
}
