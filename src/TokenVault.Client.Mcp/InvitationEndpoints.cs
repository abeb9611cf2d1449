using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Options;

namespace TokenVault.Client.Mcp;

/// <summary>
/// Where users come who were sent to connect. The account becomes that of whoever is signed in in this browser, so that has to be the user for
/// whom the tool was called: else one could have another connect an account for them by a link (the MCP specification's phishing, T-CF-02).
/// </summary>
internal sealed class InvitationEndpoints(ConnectInvitations invitations, IOptions<TokenVaultMcpOptions> options)
{
    public Task BeginAsync(HttpContext context)
    {
        if (invitations.Open(context.Request.Query["invitation"]) is not { } invitation)
        {
            return ShowAsync(context, 400, "This link has expired. Ask your agent again.");
        }

        if (options.Value.UserId(context.User) != invitation.User)
        {
            return ShowAsync(context, 403, "This link is for another user. You are signed in as someone else: do not connect accounts by links that others have sent you.");
        }

        var query = new List<KeyValuePair<string, string?>> { new("returnTo", $"{context.Request.PathBase}{options.Value.Path}/done?id={invitation.Id}") };
        query.AddRange(invitation.Scopes.Select(scope => KeyValuePair.Create("scope", (string?)scope)));
        Harden(context.Response);
        context.Response.Redirect(QueryHelpers.AddQueryString($"{context.Request.PathBase}{options.Value.ConnectPath}/{Uri.EscapeDataString(invitation.Connection)}", query));
        return Task.CompletedTask;
    }

    public async Task ReturnAsync(HttpContext context)
    {
        if (context.Request.Query["id"] is [{ Length: > 0 } id] && options.Value.UserId(context.User) is { } user)
        {
            await invitations.ReturnedAsync(id, user);
        }

        var connected = context.Request.Query.ContainsKey("connected");
        await ShowAsync(context, connected ? 200 : 400, connected ? "The account is connected. Go back to your agent." : "No account was connected. Go back to your agent to try again.");
    }

    private static Task ShowAsync(HttpContext context, int status, string text)
    {
        Harden(context.Response);
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/html; charset=utf-8";
        return context.Response.WriteAsync(
            $"<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Connect an account</title><p>{HtmlEncoder.Default.Encode(text)}</p></html>", context.RequestAborted);
    }

    private static void Harden(HttpResponse response)
    {
        response.Headers.CacheControl = "no-store";
        response.Headers["Referrer-Policy"] = "no-referrer";
        response.Headers.ContentSecurityPolicy = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
        response.Headers.XContentTypeOptions = "nosniff";
    }
}
