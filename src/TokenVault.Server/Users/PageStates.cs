using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Users;

/// <summary>
/// What a page carries from one request to the next, sealed and bound to the browser by a cookie: nothing is stored for
/// visitors who have not signed in (T-DO-06), and a form cannot be sent from another site or browser (T-UI-03).
/// </summary>
internal sealed class PageStates(KeyRing ring, TimeProvider time)
{
    private const string CookieName = "__Host-tv_page";
    private const int LongestState = 12_000;

    private static readonly TimeSpan Lifetime = TimeSpan.FromHours(1);

    /// <summary>Nobody reads it as HTML, and escapes would make addresses longer than they need be.</summary>
    private static readonly PageStateJson Json = new(new JsonSerializerOptions
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    /// <param name="page">Which page the state is for: no other accepts it.</param>
    /// <param name="since">When the request that the page serves began; null for now.</param>
    /// <param name="linked">The connection whose identity was just linked for this request.</param>
    public string Seal(
        HttpContext context, string page, string query, DateTimeOffset? since = null, PageConsent? consent = null, string? linked = null) =>
        Seal(context, page, new PageState(query, since ?? time.GetUtcNow(), "", consent) { Linked = linked });

    /// <param name="state">What the page is to have back; its browser is the one of this request.</param>
    public string Seal(HttpContext context, string page, PageState state)
    {
        var browser = Browser(context) ?? NewBrowser(context);
        var bound = state with { BrowserHash = Identifier.Hash(browser) };
        var sealedState = ring.Seal(JsonSerializer.SerializeToUtf8Bytes(bound, Json.PageState), Aad.For("page", page));
        return Base64Url.EncodeToString(sealedState);
    }

    /// <summary>Null when it is not ours, too old, for another page, or from another browser.</summary>
    public PageState? Open(HttpContext context, string page, string? state)
    {
        if (state is null || state.Length > LongestState || Browser(context) is not { } browser)
        {
            return null;
        }

        PageState? opened;
        try
        {
            var bytes = ring.OpenForeign(Base64Url.DecodeFromChars(state), Aad.For("page", page));
            opened = JsonSerializer.Deserialize(bytes, Json.PageState);
        }
        catch (Exception e) when (e is FormatException or BrokenSealException or JsonException)
        {
            return null;
        }

        var live = opened is not null
            && opened.At + Lifetime > time.GetUtcNow()
            && CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(opened.BrowserHash), Encoding.ASCII.GetBytes(Identifier.Hash(browser)));
        return live ? opened : null;
    }

    private static string? Browser(HttpContext context) => context.Request.Cookies[CookieName] is { Length: 43 } value ? value : null;

    private static string NewBrowser(HttpContext context)
    {
        var value = Identifier.Secret();
        context.Response.Cookies.Append(
            CookieName,
            value,
            new CookieOptions { HttpOnly = true, Secure = true, SameSite = SameSiteMode.Lax, Path = "/" });
        return value;
    }
}

/// <param name="Query">The authorization request that the page serves, as it came.</param>
/// <param name="At">When the request began: whoever signed in since then has done so for it.</param>
/// <param name="BrowserHash">Of the cookie of the browser that the page was shown in.</param>
/// <param name="Consent">With the consent page: what it showed.</param>
internal sealed record PageState(string Query, DateTimeOffset At, string BrowserHash, PageConsent? Consent)
{
    /// <summary>The connection whose identity was linked for this request.</summary>
    public string? Linked { get; init; }

    /// <summary>With the pages of the second factor: what it is to be proved against.</summary>
    public PageFactor? Factor { get; init; }
}

/// <param name="Subject">Whose factor it is.</param>
internal sealed record PageFactor(string Subject)
{
    /// <summary>Of the authenticator app that is being set up, base64: stored once a code of it was entered.</summary>
    public string? TotpSecret { get; init; }

    /// <summary>What a passkey is to be made or used for: the state of ASP.NET Core Identity's ceremony, with its challenge.</summary>
    public string? Ceremony { get; init; }

    public DateTimeOffset ShownAt { get; init; }

    public override string ToString() => "[secret]";
}

/// <param name="Subject">Who was asked.</param>
/// <param name="Scopes">What for.</param>
internal sealed record PageConsent(string Subject, IReadOnlyList<string> Scopes);

[JsonSerializable(typeof(PageState))]
internal sealed partial class PageStateJson : JsonSerializerContext;
