using System.Text.Json.Nodes;

namespace TokenVault.Tests.Connections.Behaviours;

/// <summary>Music, games, sport and social media.</summary>
internal static class Media
{
    public static IReadOnlyList<Behaviour> All { get; } =
    [
        new("spotify", "https://accounts.spotify.com/authorize", "https://accounts.spotify.com/api/token")
        {
            Asks = ["playlist-read-private"],
            Basic = true,
            Rotation = RefreshRule.Stable,
            User = new("https://api.spotify.com/v1/me", """{"id":"wizzler","email":"sp@example.com"}"""),
            UserId = "wizzler",
            Email = "sp@example.com",
        },
        new("discord", "https://discord.com/oauth2/authorize", "https://discord.com/api/oauth2/token")
        {
            Asks = ["guilds"],
            Needs = ["identify"],
            Pkce = PkceRule.Supported,
            Basic = true,
            Lifetime = 604800,
            User = new("https://discord.com/api/users/@me", """{"id":"80351110224678912","username":"Nelly","email":"nelly@example.com"}"""),
            UserId = "80351110224678912",
            Email = "nelly@example.com",
            Revocation = new("POST", "https://discord.com/api/oauth2/token/revoke") { Answer = "{}" },
        },

        // Scopes are an array; a dead token is told in prose; the user is asked for under the scheme OAuth.
        new("twitch", "https://id.twitch.tv/oauth2/authorize", "https://id.twitch.tv/oauth2/token")
        {
            Asks = ["user:read:email", "chat:read"],
            Rotation = RefreshRule.Overlap,
            Lifetime = 14124,
            Answer = issue => Behaviour.Standard(issue).And($$"""{"scope":{{new JsonArray([.. issue.Scopes.Select(s => (JsonNode)s)]).ToJsonString()}}}"""),
            Dead = (400, """{"error":"Bad Request","status":400,"message":"Invalid refresh token"}"""),
            User = new("https://id.twitch.tv/oauth2/validate", """{"client_id":"x","login":"twitchdev","user_id":"141981764","expires_in":5520838}""", "Authorization: OAuth {token}"),
            UserId = "141981764",
            Revocation = new("POST", "https://id.twitch.tv/oauth2/revoke", "access"),
        },

        // id_token:false, and users without an id.
        new("tumblr", "https://www.tumblr.com/oauth2/authorize", "https://api.tumblr.com/v2/oauth2/token")
        {
            Asks = ["write"],
            Needs = ["basic", "offline_access"],
            Lifetime = 2520,
            Answer = issue => Behaviour.Standard(issue).And("""{"id_token":false}"""),
            User = new("https://api.tumblr.com/v2/user/info", """{"meta":{"status":200},"response":{"user":{"name":"derekg"}}}"""),
            UserId = "derekg",
        },
        new("reddit", "https://www.reddit.com/api/v1/authorize", "https://www.reddit.com/api/v1/access_token")
        {
            Asks = ["read"],
            Needs = ["identity"],
            Demands = ["duration=permanent"],
            Basic = true,
            Rotation = RefreshRule.Stable,
            Lifetime = 86400,
            User = new("https://oauth.reddit.com/api/v1/me", """{"id":"1w72","name":"spez"}"""),
            UserId = "1w72",
            Revocation = new("POST", "https://www.reddit.com/api/v1/revoke_token"),
        },
        new("snapchat", "https://accounts.snapchat.com/login/oauth2/authorize", "https://accounts.snapchat.com/login/oauth2/access_token")
        {
            Asks = ["snapchat-marketing-api"],
            Rotation = RefreshRule.FamilyRevoking,
            Lifetime = 1800,
            User = new("https://adsapi.snapchat.com/v1/me", """{"request_status":"success","me":{"id":"2f5dd7f6-fcd1","email":"sn@example.com"}}"""),
            UserId = "2f5dd7f6-fcd1",
            Email = "sn@example.com",
        },

        // Errors are a list.
        new("fitbit", "https://www.fitbit.com/oauth2/authorize", "https://api.fitbit.com/oauth2/token")
        {
            Asks = ["activity", "sleep"],
            Pkce = PkceRule.Supported,
            Basic = true,
            Lifetime = 28800,
            Answer = issue => Behaviour.Standard(issue).And("""{"user_id":"26FWFL"}"""),
            Dead = (400, """{"errors":[{"errorType":"invalid_grant","message":"Refresh token invalid: x"}],"success":false}"""),
            UserId = "26FWFL",
            Revocation = new("POST", "https://api.fitbit.com/oauth2/revoke"),
        },
        new("strava", "https://www.strava.com/oauth/authorize", "https://www.strava.com/api/v3/oauth/token")
        {
            Asks = ["read", "activity:read_all"],
            Separator = ',',
            Lifetime = 21600,
            Answer = issue => new JsonObject { ["token_type"] = "Bearer", ["access_token"] = issue.AccessToken, ["expires_at"] = 1568775134 }.WithTokens(issue)
                .And(issue.IsRefresh ? "{}" : """{"athlete":{"id":134815,"username":"marianne_t"}}"""),
            UserId = "134815",
            Revocation = new("POST", "https://www.strava.com/oauth/deauthorize", "access", "none", "form access_token") { Answer = """{"access_token":"x"}""" },
        },
    ];
}
