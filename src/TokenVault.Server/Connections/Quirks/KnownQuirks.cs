using System.Collections.Frozen;

namespace TokenVault.Server.Connections.Quirks;

/// <summary>Every quirk by the name that the catalogue uses.</summary>
internal static class KnownQuirks
{
    private static readonly FrozenDictionary<string, Quirk> ByName = new Quirk[]
    {
        new("basecamp_type", "https://github.com/basecamp/api/blob/master/sections/authentication.md") { Request = RequestQuirks.BasecampType },
        new("facebook_long_lived_token", "https://developers.facebook.com/docs/facebook-login/guides/access-tokens/get-long-lived")
        {
            Upgrade = RequestQuirks.FacebookLongLivedToken,
        },
        new("fitbit_errors", "https://dev.fitbit.com/build/reference/web-api/troubleshooting-guide/error-messages/") { Answer = AnswerQuirks.FitbitErrors },
        new("google_scope_names", "https://developers.google.com/identity/protocols/oauth2/scopes") { Answer = AnswerQuirks.GoogleScopeNames },
        new("offline_access_unsaid", "https://learn.microsoft.com/en-us/entra/identity-platform/scopes-oidc") { Answer = AnswerQuirks.OfflineAccessUnsaid },
        new("slack_authed_user", "https://docs.slack.dev/reference/methods/oauth.v2.access") { Answer = AnswerQuirks.SlackAuthedUser },
        new("tumblr_id_token_false", "https://www.tumblr.com/docs/en/api/v2#oauth2-authorization") { Answer = AnswerQuirks.TumblrIdTokenFalse },
        new("twitch_errors", "https://dev.twitch.tv/docs/authentication/refresh-tokens/") { Answer = AnswerQuirks.TwitchErrors },
        new("x_errors", "https://docs.x.com/resources/fundamentals/authentication/oauth-2-0/authorization-code") { Answer = AnswerQuirks.XErrors },
        new("zoho_expires_in_sec", "https://www.zoho.com/accounts/protocol/oauth/web-apps/access-token.html") { Answer = AnswerQuirks.ZohoExpiresInSec },
    }.ToFrozenDictionary(quirk => quirk.Name, StringComparer.Ordinal);

    public static IEnumerable<Quirk> All => ByName.Values;

    public static Quirk? Find(string name) => ByName.GetValueOrDefault(name);

    public static AnswerMembers Apply(Provider provider, AnswerMembers answer) =>
        Of(provider).Aggregate(answer, (members, quirk) => quirk.Answer?.Invoke(members) ?? members);

    public static IReadOnlyDictionary<string, string> Apply(Provider provider, IReadOnlyDictionary<string, string> fields) =>
        Of(provider).Aggregate(fields, (request, quirk) => quirk.Request?.Invoke(request) ?? request);

    public static UpgradeQuirk? UpgradeOf(Provider provider) => Of(provider).Select(quirk => quirk.Upgrade).FirstOrDefault(upgrade => upgrade is not null);

    private static IEnumerable<Quirk> Of(Provider provider) => provider.Quirks.Select(name => ByName[name]);
}
