using TokenVault.Server.Http;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Users.Factors;

/// <summary>What adaptive multi-factor authentication goes by: whether the user has proved a second factor in this browser, from this network.</summary>
internal sealed class KnownBrowsers(IStorage storage, TimeProvider time)
{
    private const string CookieName = "__Host-tv_browser";
    private const int MostNetworks = 8;

    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(30);

    public async ValueTask<bool> KnowsAsync(HttpContext context, string userId) =>
        await FindAsync(context, userId) is { } known && known.Until > time.GetUtcNow()
        && known.Networks.Contains(CallerNetwork.Of(context), StringComparer.Ordinal);

    /// <summary>Adds to the commit that from now on it is known.</summary>
    /// <returns>What the browser's cookie is to hold.</returns>
    public async ValueTask<string> RememberAsync(HttpContext context, Batch batch, string userId)
    {
        var cookie = Cookie(context) ?? Identifier.Secret();
        var network = CallerNetwork.Of(context);
        var former = (await FindAsync(context, userId))?.Networks ?? [];
        batch.Put(new KnownBrowser
        {
            Id = KnownBrowser.IdFor(cookie, userId),
            UserId = userId,
            Networks = [.. former.Where(other => other != network).TakeLast(MostNetworks - 1), network],
            Until = time.GetUtcNow() + Lifetime,
        });
        return cookie;
    }

    public static void SetCookie(HttpContext context, string value) => context.Response.Cookies.Append(
        CookieName, value, new CookieOptions { HttpOnly = true, Secure = true, SameSite = SameSiteMode.Lax, Path = "/", MaxAge = Lifetime });

    private async ValueTask<KnownBrowser?> FindAsync(HttpContext context, string userId) =>
        Cookie(context) is { } cookie ? await storage.FindAsync<KnownBrowser>(KnownBrowser.IdFor(cookie, userId), context.RequestAborted) : null;

    private static string? Cookie(HttpContext context) => context.Request.Cookies[CookieName] is { Length: 43 } value ? value : null;
}
