using System.Text.Json.Nodes;
using TokenVault.Server.Http;
using TokenVault.Server.Users;

namespace TokenVault.Server.Clients;

/// <summary>A client's <c>oidc_logout</c>, as bodies say it and answers show it.</summary>
internal static class OidcLogoutBody
{
    /// <summary>As in Auth0, one address.</summary>
    private const int MostUrls = 1;

    /// <summary>What ends sessions here. A session that has run out ends silently: <c>session-expired</c> is not among them.</summary>
    private static readonly string[] Causes =
    [
        SessionEndCause.Logout, SessionEndCause.ProviderLogout, SessionEndCause.PasswordChanged, SessionEndCause.Revoked,
        SessionEndCause.AccountDeleted, SessionEndCause.AccountBlocked,
    ];

    public static OidcLogout Read(BodyReader body)
    {
        body.Fixed("backchannel_logout_session_metadata", """{"include":false}""");
        return new OidcLogout
        {
            BackchannelLogoutUrls = body.Texts("backchannel_logout_urls", [], MostUrls, UrlProblem),
            BackchannelLogoutInitiators = body.Nested<LogoutInitiators?>("backchannel_logout_initiators", current: null, fallback: null, ReadInitiators),
        };
    }

    public static JsonObject? View(OidcLogout? logout) => logout is null
        ? null
        : new JsonObject { ["backchannel_logout_urls"] = WireJson.Texts(logout.BackchannelLogoutUrls) }
            .With("backchannel_logout_initiators", logout.BackchannelLogoutInitiators is { } initiators ? View(initiators) : null);

    private static JsonObject View(LogoutInitiators initiators)
    {
        var view = new JsonObject { ["mode"] = initiators.Mode };
        return initiators.Mode == LogoutInitiators.All ? view : view.With("selected_initiators", WireJson.Texts(initiators.SelectedInitiators));
    }

    private static LogoutInitiators ReadInitiators(BodyReader body) => new()
    {
        Mode = body.OneOf("mode", LogoutInitiators.Custom, LogoutInitiators.Custom, LogoutInitiators.Custom, LogoutInitiators.All),
        SelectedInitiators = body.Texts("selected_initiators", [], Causes.Length, CauseProblem),
    };

    private static string? UrlProblem(string url) => WebUri.IsAcceptable(url, out var problem) ? null : problem;

    private static string? CauseProblem(string cause) =>
        Causes.Contains(cause, StringComparer.Ordinal) ? null : $"Expected one of {string.Join(", ", Causes)}";
}
