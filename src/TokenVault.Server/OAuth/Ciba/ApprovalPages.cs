using TokenVault.Server.Approvals;
using TokenVault.Server.Audit;
using TokenVault.Server.Clients;
using TokenVault.Server.Connections;
using TokenVault.Server.Http;
using TokenVault.Server.Storage;
using TokenVault.Server.Users;

namespace TokenVault.Server.OAuth.Ciba;

/// <summary>What users see of requests for their approval. All that the client wrote is shown as text, and as the client's word (T-UI-01).</summary>
internal sealed class ApprovalPages(RecordCache cache)
{
    public const string AnswerPath = "/u/approval";

    private const string Style = """
        dl{margin:0 0 1rem;padding:.2rem .8rem;border-left:4px solid #767680}dt{font-weight:600}dd{margin:0 0 .4rem}dd dl{margin:.2rem 0}
        blockquote{margin:0 0 1rem;padding:.6rem .8rem;border-left:4px solid #1f4fd8;unicode-bidi:isolate}dd,code{unicode-bidi:isolate}
        """;

    public async ValueTask<Page> AskAsync(User user, Approval approval, string state, CancellationToken cancellationToken)
    {
        var client = await ClientNameAsync(approval, cancellationToken);
        var message = approval.BindingMessage is null ? Html.Empty : Html.Of($"<p>It says:</p><blockquote id=\"message\">{approval.BindingMessage}</blockquote>");
        var asked = approval.IsExchange ? await OfProviderAsync(approval, cancellationToken) : await OfApiAsync(approval, cancellationToken);
        var details = approval.AuthorizationDetails is null
            ? Html.Empty
            : Html.Of($"<p id=\"details\">In detail:</p>{DetailsList.Of(approval.AuthorizationDetails)}");
        var body = Html.Of($"""
            <h1>Approve what {client} asks?</h1>
            <p>Signed in as <strong>{Name(user)}</strong>.</p>{message}{asked}{details}
            <p>Approve only what you have just begun yourself, or expect. You can answer until {approval.Deadline.UtcDateTime.ToString("yyyy-MM-dd HH:mm", System.Globalization.CultureInfo.InvariantCulture)} UTC.</p>
            <form method="post" action="{AnswerPath}"><input type="hidden" name="state" value="{state}">
            <button type="submit" name="action" value="allow">Approve</button>
            <button type="submit" name="action" value="deny" class="plain">Deny</button></form>
            """);
        return new Page("Approve", body) { ExtraStyle = Style };
    }

    public async ValueTask<Page> ListAsync(User user, IEnumerable<Approval> pending, CancellationToken cancellationToken)
    {
        var items = new List<Html>();
        foreach (var approval in pending)
        {
            var what = approval.BindingMessage ?? approval.Connection ?? approval.Audience ?? "Sign in";
            var client = await ClientNameAsync(approval, cancellationToken);
            items.Add(Html.Of($"<li><a class=\"button\" href=\"{ApprovalVisit.Path(approval.Id)}\">{client}: {what}</a></li>"));
        }

        var list = items.Count == 0 ? Html.Of($"<p>Nothing waits for your approval.</p>") : Html.Of($"<ul class=\"choices\">{Html.Join(items)}</ul>");
        return new Page("Approvals", Html.Of($"<h1>Waiting for your approval</h1><p>Signed in as <strong>{Name(user)}</strong>.</p>{list}"));
    }

    /// <summary>The log entry of an answer.</summary>
    public async ValueTask<AuditEvent> TraceAsync(HttpContext context, Approval approval, bool approved) => new AuditEvent
    {
        Type = approved ? AuditType.ApprovalGiven : AuditType.ApprovalDenied,
        ClientId = approval.ClientId,
        ClientName = await ClientNameAsync(approval, context.RequestAborted),
        Connection = approval.Connection,
        ConnectionId = approval.ConnectionId,
        Audience = approval.Audience,
        Scope = Protocol.Scope.Format(approval.Scopes),
    }.From(RequestOrigin.Of(context));

    public static Page Answered(bool approved) => approved
        ? new Page("Approved", Html.Of($"<h1>Approved</h1><p>The application goes on. You can close this window.</p>"))
        : new Page("Denied", Html.Of($"<h1>Denied</h1><p>The application gets nothing. You can close this window.</p>"));

    /// <summary>One text for all of it: who does not know the link learns nothing from guessing at it.</summary>
    public static Page Over() =>
        Page.Error(410, "There is nothing to approve here any more", "It was answered already, or the time for an answer is over.");

    public static Page Expired() =>
        Page.Error(400, "This page has expired", "Open the link again. Cookies must be allowed.");

    public static Page ForSomebodyElse() =>
        Page.Error(403, "This link is for another user", "You are signed in as someone else. Sign out, then open the link again and sign in as the user whom the application asks.");

    private async ValueTask<Html> OfApiAsync(Approval approval, CancellationToken cancellationToken)
    {
        var api = approval.Audience is null ? null : await cache.FindByKeyAsync<ResourceServer>("identifier", approval.Audience, cancellationToken);
        var where = approval.Audience is null ? Html.Empty : Html.Of($" at {api?.Name} <code>{approval.Audience}</code>");
        return Html.Of($"<p id=\"asked\">It asks for access{where}:</p><ul aria-labelledby=\"asked\">{ConsentScopes.List(approval.Scopes, api)}</ul>");
    }

    private async ValueTask<Html> OfProviderAsync(Approval approval, CancellationToken cancellationToken)
    {
        var connection = await cache.FindAsync<Connection>(approval.ConnectionId!, cancellationToken);
        var account = approval.AccountName is null ? Html.Empty : Html.Of($", account <strong>{approval.AccountName}</strong>");
        var what = approval.ForRefreshToken ? "lasting access, until it is withdrawn," : "access";
        var howOften = approval.ValidFor == 0 ? "once" : $"as often as it likes for {TimeSpan.FromSeconds(approval.ValidFor)} (hours, minutes, seconds)";
        var scopes = Html.Join(approval.Scopes.Select(scope => Html.Of($"<li><code>{scope}</code></li>")));
        return Html.Of($"""
            <p id="asked">It asks for {what} to what you have connected at {connection?.Label ?? approval.Connection}{account}, {howOften}:</p>
            <ul aria-labelledby="asked">{scopes}</ul>
            """);
    }

    private async ValueTask<string> ClientNameAsync(Approval approval, CancellationToken cancellationToken) =>
        (await cache.FindAsync<Client>(approval.ClientId, cancellationToken))?.Name ?? approval.ClientId;

    private static string Name(User user) => user.Email ?? user.Username ?? user.UserId;
}
