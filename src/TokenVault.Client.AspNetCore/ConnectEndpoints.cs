using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Extensions;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Options;

namespace TokenVault.Client.AspNetCore;

/// <summary>The browser's way out to the server, and back.</summary>
internal sealed class ConnectEndpoints(TokenVaultClient vault, ISubjectTokenSource users, ConnectCookies cookies, IOptions<TokenVaultConnectOptions> options)
{
    private const int LongestReturn = 2000;

    public async Task BeginAsync(HttpContext context, string callback)
    {
        var query = context.Request.Query;
        var connection = (string)context.GetRouteValue("connection")!;
        var returnTo = query.TryGetValue("returnTo", out var given) ? given.ToString() : "/";
        string[] scopes = [.. query["scope"].Concat(query["scopes"]).SelectMany(scope => scope?.Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? [])];
        Harden(context.Response);
        if (!IsLocal(returnTo) || connection.Length > 128 || options.Value.AllowScopes?.Invoke(connection, scopes) == false)
        {
            await RefuseAsync(context, "This is no place to come back to, or not to be asked for.");
            return;
        }

        // Another site's page sent the browser here: the user has to want it.
        if (context.Request.Headers["Sec-Fetch-Site"] == "cross-site")
        {
            await AskAsync(context, connection);
            return;
        }

        try
        {
            var subject = await SubjectAsync(context);
            var redirectUri = (options.Value.Origin ?? $"{context.Request.Scheme}://{context.Request.Host}") + context.Request.PathBase + callback;
            var pending = await vault.ConnectAsync(subject, new ConnectRequest(connection, redirectUri) { Scopes = scopes }, context.RequestAborted);
            cookies.Write(context, new ConnectState(pending, returnTo, ConnectCookies.UserOf(context.User)));
            context.Response.Redirect(pending.Link.AbsoluteUri);
        }
        catch (TokenVaultException e)
        {
            context.Response.Redirect(Failed(returnTo, e.Failure));
        }
    }

    public async Task CompleteAsync(HttpContext context)
    {
        var query = context.Request.Query;
        Harden(context.Response);
        if (query["state"] is not [{ Length: > 0 } state] || cookies.Take(context, state) is not { } kept)
        {
            await RefuseAsync(context, "This browser and this user have begun to connect nothing, or too long ago. Begin anew.");
            return;
        }

        if (query["connect_code"] is not [{ Length: > 0 } code])
        {
            var failure = query["error"] == "temporarily_unavailable" ? TokenVaultFailure.TemporarilyUnavailable : TokenVaultFailure.ConnectFailed;
            context.Response.Redirect(Failed(kept.ReturnTo, failure));
            return;
        }

        try
        {
            var account = await vault.CompleteAsync(await SubjectAsync(context), kept.Pending, code, context.RequestAborted);
            context.Response.Redirect(Back(kept.ReturnTo, "connected", account.Connection));
        }
        catch (TokenVaultException e)
        {
            context.Response.Redirect(Failed(kept.ReturnTo, e.Failure));
        }
    }

    /// <summary>A path of this application, and nothing that a browser takes for another's address.</summary>
    public static bool IsLocal(string address) =>
        address.Length <= LongestReturn
        && address is "/" or ['/', not ('/' or '\\'), ..]
        && !address.Any(c => char.IsControl(c) || c == '\\');

    private async Task<SubjectToken> SubjectAsync(HttpContext context) =>
        await users.GetAsync(context.RequestAborted)
            ?? throw new TokenVaultException(TokenVaultFailure.SubjectRejected, "The signed-in user's session has no refresh token: does the sign-in save tokens?");

    private static string Failed(string returnTo, TokenVaultFailure failure) => Back(returnTo, "connect_error", failure.ToString());

    /// <summary>Headers are ASCII: what is not goes escaped, which is the same address to a browser.</summary>
    private static string Back(string returnTo, string name, string value) =>
        QueryHelpers.AddQueryString(string.Concat(returnTo.EnumerateRunes().Select(rune => rune.IsAscii ? rune.ToString() : Uri.EscapeDataString(rune.ToString()))), name, value);

    private static void Harden(HttpResponse response)
    {
        response.Headers.CacheControl = "no-store";
        response.Headers["Referrer-Policy"] = "no-referrer";
        response.Headers.ContentSecurityPolicy = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
        response.Headers.XContentTypeOptions = "nosniff";
    }

    private static Task RefuseAsync(HttpContext context, string text)
    {
        context.Response.StatusCode = StatusCodes.Status400BadRequest;
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync(text, context.RequestAborted);
    }

    private static Task AskAsync(HttpContext context, string connection)
    {
        var html = HtmlEncoder.Default;
        var again = html.Encode(context.Request.GetEncodedPathAndQuery());
        context.Response.ContentType = "text/html; charset=utf-8";
        return context.Response.WriteAsync(
            $"<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Connect an account</title><p>Connect an account at {html.Encode(connection)}?</p><p><a href=\"{again}\">Connect</a></p></html>",
            context.RequestAborted);
    }
}
