using System.Text.Json.Nodes;

namespace TokenVault.Tests.Connections.Behaviours;

/// <summary>Google, Microsoft, Amazon, Facebook, LinkedIn, X, Salesforce.</summary>
internal static class Platforms
{
    private static readonly string[] Offline = ["access_type=offline", "prompt=consent", "include_granted_scopes=true"];

    public static IReadOnlyList<Behaviour> All { get; } =
    [
        Google("google-oauth2", "{}"),
        Google("google-apps", """{"hd":"example.com"}""") with { Options = """{"tenant_domain":"example.com"}""", Demands = [.. Offline, "hd=example.com"] },
        Microsoft("windowslive", "common", "9188040d-6c67-4c5b-b112-36a304b66dad"),
        Microsoft("waad", "contoso.onmicrosoft.com", "72f988bf-86f1-41af-91ab-2d7cd011db47") with { Options = """{"tenant_domain":"contoso.onmicrosoft.com"}""" },
        new("amazon", "https://www.amazon.com/ap/oa", "https://api.amazon.com/auth/o2/token")
        {
            Asks = ["postal_code"],
            Needs = ["profile"],
            Rotation = RefreshRule.Stable,
            User = new("https://api.amazon.com/user/profile", """{"user_id":"amzn1.account.K2LI23KL2LK2","email":"mork@example.com","name":"Mork"}"""),
            UserId = "amzn1.account.K2LI23KL2LK2",
            Email = "mork@example.com",
        },

        // The code gives a token of an hour; the sixty days are the traded one's.
        new("facebook", "https://www.facebook.com/v22.0/dialog/oauth", "https://graph.facebook.com/v22.0/oauth/access_token")
        {
            Asks = ["email", "pages_show_list"],
            Separator = ',',
            Rotation = RefreshRule.None,
            Lifetime = 5184000,
            Upgrades = true,
            Answer = issue => new JsonObject { ["access_token"] = issue.AccessToken, ["token_type"] = "bearer", ["expires_in"] = issue.Lifetime },
            User = new("https://graph.facebook.com/v22.0/me?fields=id,email", """{"id":"10220000000000001","email":"fb@example.com"}"""),
            UserId = "10220000000000001",
            Email = "fb@example.com",
            Revocation = new("DELETE", "https://graph.facebook.com/v22.0/me/permissions", "access", "bearer", "none") { Answer = """{"success":true}""" },
        },
        new("linkedin", "https://www.linkedin.com/oauth/v2/authorization", "https://www.linkedin.com/oauth/v2/accessToken")
        {
            Asks = ["w_member_social"],
            Needs = ["openid", "profile"],
            Rotation = RefreshRule.Stable,
            Lifetime = 5184000,
            Answer = issue => Behaviour.Standard(issue).And("""{"refresh_token_expires_in":31536000}""").And($$"""{"scope":"{{string.Join(',', issue.Scopes)}}"}"""),
            User = new("https://api.linkedin.com/v2/userinfo", """{"sub":"782bbtaQ","name":"John Doe","email":"doe@example.com"}"""),
            UserId = "782bbtaQ",
            Email = "doe@example.com",
            Revocation = new("POST", "https://www.linkedin.com/oauth/v2/revoke"),
        },

        // A used refresh token is an invalid_request to X.
        new("twitter", "https://x.com/i/oauth2/authorize", "https://api.x.com/2/oauth2/token")
        {
            Asks = ["tweet.write"],
            Needs = ["tweet.read", "users.read", "offline.access"],
            Pkce = PkceRule.Required,
            Basic = true,
            Lifetime = 7200,
            Dead = (400, """{"error":"invalid_request","error_description":"Value passed for the token was invalid."}"""),
            User = new("https://api.x.com/2/users/me", """{"data":{"id":"2244994945","name":"X Dev","username":"XDevelopers"}}"""),
            UserId = "2244994945",
            Revocation = new("POST", "https://api.x.com/2/oauth2/revoke") { Answer = """{"revoked":true}""" },
        },
        Salesforce("salesforce", "acme.my.salesforce.com"),
        Salesforce("salesforce-sandbox", "acme--uat.sandbox.my.salesforce.com"),
        Salesforce("salesforce-community", "acme.my.site.com/partners"),
    ];

    private static Behaviour Google(string strategy, string claims) => new(strategy, "https://accounts.google.com/o/oauth2/v2/auth", "https://oauth2.googleapis.com/token")
    {
        Asks = ["email", "https://www.googleapis.com/auth/calendar.readonly"],
        Needs = ["openid"],
        Demands = Offline,
        Pkce = PkceRule.Supported,
        Rotation = RefreshRule.Stable,
        Lifetime = 3599,

        // Scopes come back under their long names.
        Answer = issue => Behaviour.Standard(issue).And($$"""{"scope":"{{string.Join(' ', issue.Scopes.Select(s => s == "email" ? "https://www.googleapis.com/auth/userinfo.email" : s))}}"}"""),
        OpenId = new("https://accounts.google.com", "https://www.googleapis.com/oauth2/v3/certs", claims),
        UserId = "110169484474386276334",
        Email = "ada@example.com",
        Revocation = new("POST", "https://oauth2.googleapis.com/revoke"),
    };

    private static Behaviour Microsoft(string strategy, string tenant, string tenantId) =>
        new(strategy, $"https://login.microsoftonline.com/{tenant}/oauth2/v2.0/authorize", $"https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token")
        {
            Asks = ["Calendars.Read"],
            Needs = ["openid", "offline_access"],
            Pkce = PkceRule.Supported,
            Rotation = RefreshRule.Overlap,
            Lifetime = 4321,

            // offline_access is granted and not listed.
            Answer = issue => Behaviour.Standard(issue).And($$"""{"scope":"{{string.Join(' ', issue.Scopes.Where(s => s != "offline_access"))}}","ext_expires_in":4321}"""),
            OpenId = new($"https://login.microsoftonline.com/{tenantId}/v2.0", $"https://login.microsoftonline.com/{tenant}/discovery/v2.0/keys", $$"""{"tid":"{{tenantId}}"}"""),
            UserId = "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
            Email = "megan@contoso.example",
        };

    /// <summary>No expires_in; the API's address comes with the token; and here refresh tokens rotate.</summary>
    private static Behaviour Salesforce(string strategy, string domain) => new(strategy, $"https://{domain}/services/oauth2/authorize", $"https://{domain}/services/oauth2/token")
    {
        Options = $$"""{"domain":"{{domain}}"}""",
        Asks = ["api"],
        Needs = ["refresh_token"],
        Pkce = PkceRule.Required,
        Lifetime = 600,
        SaysLifetime = false,
        Answer = issue => Behaviour.Standard(issue).And(
            """{"instance_url":"https://acme.my.salesforce.com","id":"https://login.salesforce.com/id/00D50000000IZ3ZEAW/00550000001fg5OAAQ","issued_at":"1278448384422","signature":"x"}"""),
        UserId = "https://login.salesforce.com/id/00D50000000IZ3ZEAW/00550000001fg5OAAQ",
        Comes = ["instance_url=https://acme.my.salesforce.com"],
        Dead = (400, """{"error":"invalid_grant","error_description":"expired access/refresh token"}"""),
        Revocation = new("POST", $"https://{domain}/services/oauth2/revoke"),
    };
}
