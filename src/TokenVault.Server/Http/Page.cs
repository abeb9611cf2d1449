using System.Security.Cryptography;
using System.Text;

namespace TokenVault.Server.Http;

/// <summary>
/// The frame of every page: plain HTML that works without JavaScript, under a content security policy that allows nothing else
/// (T-UI-01), cannot be framed or cached, and leaks no referrer (T-CF-12).
/// </summary>
internal sealed record Page(string Title, Html Body)
{
    private const string Style = """
        :root{color-scheme:light dark;font-family:system-ui,sans-serif;line-height:1.5}
        body{margin:0;min-height:100vh;display:grid;place-items:center;background:#f4f4f6;color:#1b1b1f}
        main{box-sizing:border-box;overflow-wrap:anywhere;width:min(26rem,100%);padding:2rem;background:#fff;border-radius:.75rem;box-shadow:0 1px 4px #0003}
        h1{font-size:1.35rem;margin:0 0 1rem}label{display:block;margin:.75rem 0 .25rem;font-weight:600}
        input:not([type=hidden]){box-sizing:border-box;width:100%;padding:.6rem;font:inherit;border:1px solid #767680;border-radius:.4rem}
        button{margin:1.25rem .5rem 0 0;padding:.6rem 1.2rem;font:inherit;font-weight:600;border:1px solid #1f4fd8;border-radius:.4rem;background:#1f4fd8;color:#fff}
        a.button{display:block;padding:.6rem 1.2rem;font-weight:600;text-align:center;text-decoration:none;border:1px solid #767680;border-radius:.4rem;color:inherit}
        ul.choices{list-style:none;margin:0;padding:0;display:grid;gap:.6rem}a:focus-visible{outline:3px solid #7aa2ff}
        button.plain{background:transparent;color:inherit;border-color:#767680}button:focus-visible,input:focus-visible{outline:3px solid #7aa2ff}
        .error{padding:.6rem .8rem;border-left:4px solid #b3261e;background:#fbe9e7;color:#601410}
        @media(prefers-color-scheme:dark){body{background:#141417;color:#eee}main{background:#1f1f24}.error{background:#3b1210;color:#f9dedc}}
        """;

    private static readonly string StyleHash = Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(Style)));

    public int Status { get; init; } = 200;

    /// <summary>A style of ours over the common one.</summary>
    public string? ExtraStyle { get; init; }

    /// <summary>A script of ours, allowed by a nonce.</summary>
    public string? Script { get; init; }

    /// <summary>Where this page's forms may lead, redirects included, besides this server: browsers hold a redirect after a form to the policy too.</summary>
    public string? FormTarget { get; init; }

    /// <summary>Where the page goes on to by itself: a way for which browsers do not hold the form before it to its policy.</summary>
    public string? Onward { get; init; }

    /// <summary>The one origin that may frame this page.</summary>
    public string? FrameAncestor { get; init; }

    public Task WriteAsync(HttpContext context)
    {
        var nonce = Convert.ToBase64String(RandomNumberGenerator.GetBytes(16));
        // Only scripts written in this assembly come here; their data travels in encoded attributes.
        var script = Script is null ? "" : $"<script nonce=\"{nonce}\">{Script}</script>";
        var extra = ExtraStyle is null ? "" : $"<style>{ExtraStyle}</style>";
        var onward = Onward is null ? Html.Empty : Html.Of($"<meta http-equiv=\"refresh\" content=\"0;url={Onward}\">");
        var html = $"""
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
            {Html.Of($"<title>{Title}</title>")}{onward}<style>{Style}</style>{extra}</head><body><main>{Body}</main>{script}</body></html>
            """;

        var response = context.Response;
        response.StatusCode = Status;
        response.ContentType = "text/html; charset=utf-8";
        response.Headers.ContentSecurityPolicy =
            $"default-src 'none'; style-src 'sha256-{StyleHash}'{Space(ExtraHash())}; base-uri 'none'; form-action 'self'{Space(FormTarget)}; "
            + $"frame-ancestors {FrameAncestor ?? "'none'"}{(Script is null ? "" : $"; script-src 'nonce-{nonce}'")}";
        if (FrameAncestor is null)
        {
            response.Headers.XFrameOptions = "DENY";
        }

        OAuthResponse.NoStore(context);
        return response.WriteAsync(html, context.RequestAborted);
    }

    /// <summary>For a form whose way leads through a provider: browsers hold a form's redirects, all of them, to its page's policy.</summary>
    public static Page GoOn(string title, string url) =>
        new(title, Html.Of($"<h1>{title}</h1><p><a href=\"{url}\">Continue</a></p>")) { Onward = url };

    public static Page Error(int status, string title, string explanation) =>
        new(title, Html.Of($"<h1>{title}</h1><p class=\"error\" role=\"alert\">{explanation}</p>")) { Status = status };

    private string? ExtraHash() =>
        ExtraStyle is null ? null : $"'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(ExtraStyle)))}'";

    private static string Space(string? value) => value is null ? "" : " " + value;
}
