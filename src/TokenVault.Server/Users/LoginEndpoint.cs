using TokenVault.Server.Http;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Users;

/// <summary>The sign-in page of local users.</summary>
internal sealed class LoginEndpoint(
    IStorage storage, SessionCookie sessions, PageStates states, LoginAttempts attempts, PasswordHashes hashes, SignInChoices choices)
{
    /// <summary>The page's name in <see cref="PageStates"/>.</summary>
    public const string PageName = "login";

    /// <summary>Where a link of the page leads that signs in through a connection.</summary>
    public const string ConnectionPath = "/u/login/connection";

    private const string Path = "/u/login";

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet(Path, ShowAsync);
        routes.MapPost(Path, SignInAsync);
    }

    /// <summary>Where to send a browser that has to sign in before <paramref name="authorizeQuery"/> can go on.</summary>
    public string UrlFor(HttpContext context, string authorizeQuery) =>
        Urls.WithQuery(Path, [new("state", states.Seal(context, PageName, authorizeQuery))]);

    private async Task ShowAsync(HttpContext context)
    {
        var state = context.Request.Query["state"].ToString();
        if (states.Open(context, PageName, state) is not { } opened)
        {
            await AuthorizePage.Expired().WriteAsync(context);
            return;
        }

        var parameters = RequestParameters.FromQuery(opened.Query);
        var hint = parameters.Failed(out _) ? null : parameters.Value["login_hint"];
        await RefuseAsync(context, state, opened, hint, problem: null, status: 200);
    }

    /// <summary>The form, again if there is a problem.</summary>
    private async Task RefuseAsync(HttpContext context, string state, PageState opened, string? username, string? problem, int status)
    {
        var others = await choices(opened.Query, context.RequestAborted);
        await Form(state, opened, username, problem, others, status).WriteAsync(context);
    }

    private async Task SignInAsync(HttpContext context)
    {
        var body = await RequestParameters.ReadBodyAsync(context.Request);
        if (body.Failed(out var error))
        {
            await Page.Error(error.Status, "The form could not be read", error.Description).WriteAsync(context);
            return;
        }

        var form = body.Value;
        if (states.Open(context, PageName, form["state"]) is not { } state)
        {
            await AuthorizePage.Expired().WriteAsync(context);
            return;
        }

        var username = (form["username"] ?? "").Trim();
        if (!await attempts.MayTryAsync(context, username))
        {
            await RefuseAsync(context, form["state"]!, state, username, "Too many attempts. Wait a minute, then try again.", 429);
            return;
        }

        var user = await FindAsync(username, context.RequestAborted);
        var attempt = await hashes.TryAsync(user?.PasswordHashFor(username), form["password"] ?? "", context.RequestAborted);
        if (attempt is null)
        {
            await RefuseAsync(context, form["state"]!, state, username, "The server is busy. Try again in a moment.", 503);
            return;
        }

        if (!attempt.Matches || user!.Blocked)
        {
            await attempts.FailedAsync(context, user, isBlocked: attempt.Matches);
            await RefuseAsync(context, form["state"]!, state, username, "Wrong user name or password.", 401);
            return;
        }

        await BeginSessionAsync(context, user, username, attempt.StrongerHash);
        await AuthorizePage.GoOnAsync(context, state.Query, form["state"]!, "You are signed in");
    }

    private async ValueTask BeginSessionAsync(HttpContext context, User user, string username, string? strongerHash)
    {
        var batch = new Batch();
        if (await sessions.FindAsync(context) is { } former)
        {
            batch.DeleteIndexed("session", former.Session.Id);
        }

        if (strongerHash is not null)
        {
            // Neither is it a change of the user, nor does the sign-in fail where somebody else has just made one.
            batch.Rewrite(user.WithPasswordHash(username, strongerHash).ToEntity());
        }

        var session = await sessions.BeginAsync(context, user, user.LocalIdentity(username) ?? user.Main()) with { Methods = [AuthenticationMethod.Password] };
        await storage.CommitAsync(batch.Insert(session).Append(attempts.Succeeded(context, user, username)));
    }

    private async ValueTask<User?> FindAsync(string login, CancellationToken cancellationToken)
    {
        var key = User.LoginKey(Wire.DatabaseConnection, login);
        return await storage.FindByKeyAsync<User>("email", key, cancellationToken)
            ?? await storage.FindByKeyAsync<User>("username", key, cancellationToken);
    }

    private static Page Form(string state, PageState opened, string? username, string? problem, IReadOnlyList<SignInChoice> others, int status)
    {
        var alert = problem is null ? Html.Empty : Html.Of($"<p class=\"error\" role=\"alert\">{problem}</p>");
        var body = Html.Of($"""
            <h1>Sign in</h1>{alert}
            <form method="post" action="{Path}">
            <input type="hidden" name="state" value="{state}">
            <label for="username">E-mail or user name</label>
            <input id="username" name="username" value="{username}" autocomplete="username" autocapitalize="none" required autofocus>
            <label for="password">Password</label>
            <input id="password" name="password" type="password" autocomplete="current-password" required>
            <button type="submit">Continue</button></form>{Others(state, others)}
            """);
        return new Page("Sign in", body) { Status = status, FormTarget = AuthorizePage.Target(opened.Query) };
    }

    /// <summary>Links, because a browser holds a form's redirects, all the way through a provider, to the page's policy.</summary>
    private static Html Others(string state, IReadOnlyList<SignInChoice> others)
    {
        if (others.Count == 0)
        {
            return Html.Empty;
        }

        var links = Html.Join(others.Select(other => Html.Of(
            $"<li><a class=\"button\" href=\"{Urls.WithQuery(ConnectionPath, [new("state", state), new("connection", other.Connection)])}\">Continue with {other.Label}</a></li>")));
        return Html.Of($"<nav aria-label=\"Other ways to sign in\"><p>or</p><ul class=\"choices\">{links}</ul></nav>");
    }
}
