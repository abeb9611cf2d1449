using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Mvc;
using TokenVault.Client;

namespace WebApp;

/// <summary>What is on in the signed-in user's calendar, or what they have to do first.</summary>
internal static class CalendarPage
{
    /// <param name="calendar">The provider's API.</param>
    /// <param name="user">Who is signed in.</param>
    /// <param name="error">Why connecting did not succeed: the name of a <see cref="TokenVaultFailure"/>.</param>
    /// <param name="cancellationToken">The browser gave up.</param>
    public static async Task<IResult> ShowAsync(
        Calendar calendar, ClaimsPrincipal user, [FromQuery(Name = "connect_error")] string? error, CancellationToken cancellationToken)
    {
        try
        {
            var lines = (await calendar.ListAsync(cancellationToken)).Select(e => $"<li>{Encode(e.At)} {Encode(e.Title)}</li>");
            return Pages.Html($"The calendar of {Encode(user.FindFirstValue("email")!)}", $"<ul>{string.Concat(lines)}</ul>");
        }
        catch (TokenVaultException e) when (e.UserCanConnect)
        {
            var said = error is null ? "" : "<p>That did not work. Try again.</p>";
            return Pages.Html("Your calendar", $"{said}<p><a href=\"/connect/{Uri.EscapeDataString(e.Connection!)}?returnTo=/calendar\">Connect your calendar</a></p>");
        }
        catch (TokenVaultException e) when (e.Failure is TokenVaultFailure.SubjectRejected)
        {
            return Results.Challenge();
        }
        catch (TokenVaultException e) when (e.Failure is TokenVaultFailure.TemporarilyUnavailable)
        {
            return Pages.Html("Later", "<p>The calendar cannot be reached. Try again in a while.</p>", StatusCodes.Status503ServiceUnavailable);
        }
    }

    private static string Encode(string text) => HtmlEncoder.Default.Encode(text);
}
