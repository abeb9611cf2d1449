using System.Text.Json.Nodes;

namespace TokenVault.Tests.Connections.Behaviours;

/// <summary>Where people work together: Slack, Notion, Atlassian, Asana, Linear, Zoom and the like.</summary>
internal static class Workplaces
{
    public static IReadOnlyList<Behaviour> All { get; } =
    [
        // The user's tokens stand deeper, beside the bot's; scopes have commas and a name of their own; every answer is a 200.
        new("slack", "https://slack.com/oauth/v2/authorize", "https://slack.com/api/oauth.v2.access")
        {
            Asks = ["channels:read", "search:read"],
            ScopeName = "user_scope",
            Separator = ',',
            Lifetime = 43200,
            Answer = SlackAnswer,
            Dead = (200, """{"ok":false,"error":"invalid_refresh_token"}"""),
            UserId = "U1234",
            Tenant = "T9TK3CUKW",
            Revocation = new("POST", "https://slack.com/api/auth.revoke", "access", "bearer", "none") { Answer = """{"ok":true,"revoked":true}""" },
        },

        // JSON in, client_secret_basic, a version header; no lifetime is named, so that an hour is assumed.
        new("notion", "https://api.notion.com/v1/oauth/authorize", "https://api.notion.com/v1/oauth/token")
        {
            Demands = ["owner=user"],
            Basic = true,
            Json = true,
            Headers = ["Notion-Version"],
            SaysLifetime = false,
            Answer = issue => new JsonObject { ["access_token"] = issue.AccessToken, ["token_type"] = "bearer", ["bot_id"] = "3c90c3cc-0d44-4b50-8888-8dd25736052a" }.WithTokens(issue).And(
                """{"workspace_id":"ws-1","workspace_name":"Acme","owner":{"type":"user","user":{"object":"user","id":"5389a034-eb5c","person":{"email":"n@example.com"}}}}"""),
            UserId = "5389a034-eb5c",
            Email = "n@example.com",
            Tenant = "ws-1",
            Comes = ["workspace_id=ws-1"],
            Revocation = new("POST", "https://api.notion.com/v1/oauth/revoke", "access", "client", "json token") { Answer = """{"request_id":"r"}""" },
        },

        // A dead grant is a 403.
        new("atlassian", "https://auth.atlassian.com/authorize", "https://auth.atlassian.com/oauth/token")
        {
            Asks = ["read:jira-work"],
            Needs = ["read:me", "offline_access"],
            Demands = ["audience=api.atlassian.com", "prompt=consent"],
            Rotation = RefreshRule.Overlap,
            Dead = (403, """{"error":"invalid_grant","error_description":"Unknown or invalid refresh token."}"""),
            User = new("https://api.atlassian.com/me", """{"account_type":"atlassian","account_id":"112233aa-bb11","email":"mia@example.com"}"""),
            UserId = "112233aa-bb11",
            Email = "mia@example.com",
        },
        new("asana", "https://app.asana.com/-/oauth_authorize", "https://app.asana.com/-/oauth_token")
        {
            Asks = ["default"],
            Pkce = PkceRule.Supported,
            Rotation = RefreshRule.Stable,
            Answer = issue => Behaviour.Standard(issue).And("""{"data":{"id":4673218951,"gid":"4673218951","name":"Greg","email":"greg@example.com"}}"""),
            UserId = "4673218951",
            Email = "greg@example.com",
            Revocation = new("POST", "https://app.asana.com/-/oauth_revoke") { Answer = "{}" },
        },
        new("linear", "https://linear.app/oauth/authorize", "https://api.linear.app/oauth/token")
        {
            Asks = ["write", "issues:create"],
            Needs = ["read"],
            Separator = ',',
            Demands = ["prompt=consent"],
            Pkce = PkceRule.Supported,
            Lifetime = 86399,
            Answer = issue => Behaviour.Standard(issue).And($$"""{"scope":{{new JsonArray([.. issue.Scopes.Select(s => (JsonNode)s)]).ToJsonString()}}}"""),
            User = new("https://api.linear.app/graphql", """{"data":{"viewer":{"id":"lin-user","email":"l@example.com","organization":{"id":"lin-org"}}}}""", Query: "viewer"),
            UserId = "lin-user",
            Email = "l@example.com",
            Tenant = "lin-org",
            Revocation = new("POST", "https://api.linear.app/oauth/revoke", "access", "bearer", "form token"),
        },
        new("zoom", "https://zoom.us/oauth/authorize", "https://zoom.us/oauth/token")
        {
            Basic = true,
            Answer = issue => Behaviour.Standard(issue).And("""{"scope":"user:read:user meeting:read:meeting","api_url":"https://api.zoom.us"}"""),
            User = new("https://api.zoom.us/v2/users/me", """{"id":"KDcuGIm1QgePTO8WbOqwIQ","email":"z@example.com"}"""),
            UserId = "KDcuGIm1QgePTO8WbOqwIQ",
            Email = "z@example.com",
            Revocation = new("POST", "https://zoom.us/oauth/revoke", "access") { Answer = """{"status":"success"}""" },
        },
        new("airtable", "https://airtable.com/oauth2/v1/authorize", "https://airtable.com/oauth2/v1/token")
        {
            Asks = ["data.records:read"],
            Pkce = PkceRule.Required,
            Basic = true,
            Rotation = RefreshRule.FamilyRevoking,
            Answer = issue => Behaviour.Standard(issue).And("""{"refresh_expires_in":5184000}"""),
            User = new("https://api.airtable.com/v0/meta/whoami", """{"id":"usrL2PNC5o3H4lBEi","scopes":["data.records:read"]}"""),
            UserId = "usrL2PNC5o3H4lBEi",
        },
        new("calendly", "https://auth.calendly.com/oauth/authorize", "https://auth.calendly.com/oauth/token")
        {
            Pkce = PkceRule.Supported,
            Lifetime = 7200,
            Answer = issue => Behaviour.Standard(issue).And("""{"scope":"default","owner":"https://api.calendly.com/users/EBHAAFHDCAEQTSEZ","organization":"https://api.calendly.com/organizations/EBHA"}"""),
            UserId = "https://api.calendly.com/users/EBHAAFHDCAEQTSEZ",
            Revocation = new("POST", "https://auth.calendly.com/oauth/revoke") { Answer = "{}" },
        },
        new("monday", "https://auth.monday.com/oauth2/authorize", "https://auth.monday.com/oauth2/token")
        {
            Asks = ["boards:read"],
            Needs = ["me:read"],
            Rotation = RefreshRule.None,
            Lifetime = null,
            User = new("https://api.monday.com/v2", """{"data":{"me":{"id":"4012689","email":"m@example.com","account":{"id":"77"}}}}""", "Authorization: {token}", "me { id"),
            UserId = "4012689",
            Email = "m@example.com",
            Tenant = "77",
        },
        new("clickup", "https://app.clickup.com/api", "https://api.clickup.com/api/v2/oauth/token")
        {
            Json = true,
            Rotation = RefreshRule.None,
            Lifetime = null,
            Answer = issue => new JsonObject { ["access_token"] = issue.AccessToken, ["token_type"] = "Bearer" },
            User = new("https://api.clickup.com/api/v2/user", """{"user":{"id":123,"username":"John","email":"c@example.com"}}"""),
            UserId = "123",
            Email = "c@example.com",
        },
        new("todoist", "https://app.todoist.com/oauth/authorize", "https://api.todoist.com/oauth/access_token")
        {
            Asks = ["task:add"],
            Needs = ["data:read"],
            Separator = ',',
            Rotation = RefreshRule.FamilyRevoking,
            Answer = issue => new JsonObject { ["access_token"] = issue.AccessToken, ["token_type"] = "Bearer" }.WithTokens(issue),
            User = new("https://api.todoist.com/api/v1/user", """{"id":"2671355","email":"t@example.com"}"""),
            UserId = "2671355",
            Email = "t@example.com",
            Revocation = new("POST", "https://api.todoist.com/api/v1/revoke", "access", "client", "json token", Basic: true),
        },
        new("miro", "https://miro.com/oauth/authorize", "https://api.miro.com/v1/oauth/token")
        {
            Answer = issue => Behaviour.Standard(issue).And("""{"scope":"boards:read","user_id":"3074457345618261000","team_id":"3074457345618261111"}"""),
            UserId = "3074457345618261000",
            Tenant = "3074457345618261111",
        },

        // type= for grant_type=, and no scopes at all.
        new("thirtysevensignals", "https://launchpad.37signals.com/authorization/new", "https://launchpad.37signals.com/authorization/token")
        {
            Demands = ["type=web_server"],
            OldDraft = true,
            Rotation = RefreshRule.Stable,
            Lifetime = 1209600,
            Answer = issue => new JsonObject { ["access_token"] = issue.AccessToken }.WithTokens(issue),
            User = new("https://launchpad.37signals.com/authorization.json", """{"expires_at":"2030-03-22","identity":{"id":9999999,"email_address":"jason@example.com"},"accounts":[]}"""),
            UserId = "9999999",
            Email = "jason@example.com",
        },
    ];

    private static JsonNode SlackAnswer(Issue issue)
    {
        var user = new JsonObject { ["access_token"] = issue.AccessToken, ["token_type"] = "user" }.WithTokens(issue);
        if (issue.IsRefresh)
        {
            return user.And("""{"ok":true,"team":{"id":"T9TK3CUKW"}}""");
        }

        user["id"] = "U1234";
        user["scope"] = string.Join(',', issue.Scopes);
        var bot = JsonNode.Parse("""{"ok":true,"access_token":"xoxb-of-the-bot","refresh_token":"xoxe-of-the-bot","expires_in":1,"scope":"commands","bot_user_id":"U0KRQLJ9H","team":{"id":"T9TK3CUKW"}}""")!;
        bot["authed_user"] = user;
        return bot;
    }
}
