using TokenVault.Server.Audit;
using TokenVault.Server.Clients;
using TokenVault.Server.Http;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Users;

namespace TokenVault.Server.OAuth;

/// <summary>Asks the user what a third-party client may do, and remembers the answer.</summary>
internal sealed class ConsentEndpoint(
    IStorage storage, RecordCache cache, SessionCookie sessions, PageStates states, AuthorizeRequests requests, AuditLog audit)
{
    /// <summary>The page's name in <see cref="PageStates"/>.</summary>
    public const string PageName = "consent";

    private const string Path = "/u/consent";

    public void Map(IEndpointRouteBuilder routes) => routes.MapPost(Path, AnswerAsync);

    public async ValueTask<bool> IsNeededAsync(
        AuthorizeRequest request, User user, IReadOnlyList<string> scopes, PageState? resumed, CancellationToken cancellationToken)
    {
        var asked = request.Prompt.Contains("consent");
        if (request.Client.IsFirstParty && !asked && await SkipsConsentAsync(request.Audience, cancellationToken))
        {
            return false;
        }

        // Back from this very page, the user has just consented.
        if (asked && resumed?.Consent?.Subject != user.UserId)
        {
            return true;
        }

        var consent = await storage.FindAsync<Consent>(IdFor(request, user), cancellationToken);
        return consent is null || scopes.Except(consent.Scopes, StringComparer.Ordinal).Any();
    }

    /// <summary>An API may insist that users consent to first-party clients too.</summary>
    private async ValueTask<bool> SkipsConsentAsync(string? audience, CancellationToken cancellationToken) =>
        audience is null
        || await cache.FindByKeyAsync<ResourceServer>("identifier", audience, cancellationToken) is not { SkipConsentForVerifiableFirstPartyClients: false };

    public async ValueTask<Page> ShowAsync(HttpContext context, AuthorizeRequest request, User user, IReadOnlyList<string> scopes, PageOrigin from)
    {
        var state = states.Seal(context, PageName, from.Query, from.Since, new PageConsent(user.UserId, scopes), from.Linked);
        var api = request.Audience is null ? null : await cache.FindByKeyAsync<ResourceServer>("identifier", request.Audience, context.RequestAborted);
        var where = request.Audience is null ? Html.Empty : Html.Of($" at {api?.Name} <code>{request.Audience}</code>");
        var body = Html.Of($"""
            <h1>Allow {request.Client.Name}?</h1>
            <p>Signed in as <strong>{user.Email ?? user.Username ?? user.UserId}</strong>.</p>
            <p id="asked">{request.Client.Name} asks for access{where}:</p><ul aria-labelledby="asked">{ConsentScopes.List(scopes, api)}</ul>
            <form method="post" action="{Path}"><input type="hidden" name="state" value="{state}">
            <button type="submit" name="action" value="allow">Allow</button>
            <button type="submit" name="action" value="deny" class="plain">Deny</button></form>
            """);
        return new Page("Allow access", body) { FormTarget = Urls.PolicySource(request.RedirectUri) };
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var body = await RequestParameters.ReadBodyAsync(context.Request);
        var form = body.Failed(out _) ? RequestParameters.Empty : body.Value;
        var signedIn = await sessions.FindAsync(context);
        var state = states.Open(context, PageName, form["state"]);
        if (state?.Consent is not { } asked || signedIn is null || asked.Subject != signedIn.User.UserId)
        {
            await Page.Error(400, "This page has expired", "Go back to the application and try again.").WriteAsync(context);
            return;
        }

        var request = await requests.ReadAsync(state.Query, context.RequestAborted);
        if (request is null)
        {
            await Page.Error(400, "The application has changed", "Go back to the application and try again.").WriteAsync(context);
            return;
        }

        if (form["action"] != "allow")
        {
            await storage.CommitAsync(new Batch().Append(audit.Row(Trace(context, AuditType.ConsentDenied, request, asked))));
            var denied = new OAuthError(403, "access_denied", "The user denied the request.");
            await request.Response.ErrorAsync(context, denied);
            return;
        }

        await RememberAsync(request, asked, Trace(context, AuditType.ConsentGiven, request, asked), context.RequestAborted);
        context.Response.Redirect(Urls.WithQuery("/authorize/resume", [new("state", form["state"]!)]));
    }

    /// <summary>Exactly what the page showed, and nothing that the request named besides.</summary>
    private async Task RememberAsync(AuthorizeRequest request, PageConsent asked, AuditEvent trace, CancellationToken cancellationToken)
    {
        var id = Consent.IdFor(asked.Subject, request.Client.ClientId, request.Audience ?? "");
        var former = await storage.FindAsync<Consent>(id, cancellationToken);
        await storage.CommitAsync(new Batch().Put(new Consent
        {
            Id = id,
            UserId = asked.Subject,
            ClientId = request.Client.ClientId,
            Audience = request.Audience ?? "",
            Scopes = [.. (former?.Scopes ?? []).Union(asked.Scopes, StringComparer.Ordinal)],
        }).Append(audit.Row(trace)));
    }

    private static AuditEvent Trace(HttpContext context, string type, AuthorizeRequest request, PageConsent asked) =>
        TokenIssuer.Event(type, request.Client, RequestOrigin.Of(context)) with
        {
            UserId = asked.Subject,
            Audience = request.Audience,
            Scope = Scope.Format(asked.Scopes),
        };

    private static string IdFor(AuthorizeRequest request, User user) =>
        Consent.IdFor(user.UserId, request.Client.ClientId, request.Audience ?? "");
}

/// <summary>The authorization request that led to a page, and when it began.</summary>
/// <param name="Linked">The connection whose identity was linked for it.</param>
internal sealed record PageOrigin(string Query, DateTimeOffset? Since, string? Linked = null);
