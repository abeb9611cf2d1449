using System.Text.Json;

namespace TokenVault.Server.Connections.Quirks;

/// <summary>What providers put otherwise in a token answer.</summary>
internal static class AnswerQuirks
{
    private const string InvalidGrant = "invalid_grant";

    private static readonly (string Name, string Url)[] GoogleNames =
    [
        ("email", "https://www.googleapis.com/auth/userinfo.email"),
        ("profile", "https://www.googleapis.com/auth/userinfo.profile"),
    ];

    /// <summary>
    /// Slack's answer to a code is about the app's bot; the user's own tokens stand in <c>authed_user</c>. The answer to a refresh has them at
    /// the top, as does one for an app that asked for bot scopes only.
    /// </summary>
    public static AnswerMembers SlackAuthedUser(AnswerMembers answer)
    {
        if (answer["authed_user"] is not { ValueKind: JsonValueKind.Object } user || user.Text("access_token") is null)
        {
            return answer;
        }

        // All of them, the absent ones too: the bot's refresh token must not stand in for the user's.
        string[] members = ["access_token", "refresh_token", "expires_in", "scope", "token_type"];
        return members.Aggregate(answer, (taken, name) => user.TryGetProperty(name, out var value) ? taken.With(name, value) : taken.Without(name));
    }

    /// <summary>Fitbit: <c>{"success":false,"errors":[{"errorType":"invalid_grant"}]}</c>.</summary>
    public static AnswerMembers FitbitErrors(AnswerMembers answer) =>
        answer.Text("error") is null && answer.At("errors.0.errorType") is { } code ? answer.With("error", code) : answer;

    /// <summary>Twitch has the status text in <c>error</c>, and says of a dead refresh token only <c>"message":"Invalid refresh token"</c>.</summary>
    public static AnswerMembers TwitchErrors(AnswerMembers answer) =>
        answer["access_token"] is null && string.Equals(answer.Text("message"), "Invalid refresh token", StringComparison.OrdinalIgnoreCase)
            ? answer.With("error", InvalidGrant)
            : answer;

    /// <summary>X says <c>invalid_request</c> of a refresh token that is used up; its description tells it from a bad request of ours.</summary>
    public static AnswerMembers XErrors(AnswerMembers answer) =>
        answer.Text("error") is "invalid_request" && answer.Text("error_description") is "Value passed for the token was invalid."
            ? answer.With("error", InvalidGrant)
            : answer;

    /// <summary>
    /// Google grants <c>email</c> and <c>profile</c> under their long names. Both names are kept, so that an application finds the scope
    /// it asked for.
    /// </summary>
    public static AnswerMembers GoogleScopeNames(AnswerMembers answer)
    {
        if (TokenAnswerValues.Scopes(answer) is not { } granted)
        {
            return answer;
        }

        var asked = GoogleNames.Where(scope => granted.Contains(scope.Url, StringComparer.Ordinal)).Select(scope => scope.Name);
        return answer.With("scope", string.Join(' ', granted.Union(asked, StringComparer.Ordinal)));
    }

    /// <summary>Microsoft grants <c>offline_access</c> by giving a refresh token, and does not list it.</summary>
    public static AnswerMembers OfflineAccessUnsaid(AnswerMembers answer) =>
        TokenAnswerValues.Scopes(answer) is { } granted && answer.Text("refresh_token") is not null
            ? answer.With("scope", string.Join(' ', granted.Append(Protocol.Wire.OfflineAccess).Distinct(StringComparer.Ordinal)))
            : answer;

    /// <summary>Tumblr sends <c>"id_token":false</c> where it has none.</summary>
    public static AnswerMembers TumblrIdTokenFalse(AnswerMembers answer) =>
        answer["id_token"] is { ValueKind: JsonValueKind.False } ? answer.Without("id_token") : answer;

    /// <summary>Where Zoho sends <c>expires_in_sec</c>, the <c>expires_in</c> beside it is in milliseconds.</summary>
    public static AnswerMembers ZohoExpiresInSec(AnswerMembers answer) =>
        answer["expires_in_sec"] is { ValueKind: JsonValueKind.Number } seconds ? answer.With("expires_in", seconds) : answer;
}
