using System.Text.Json.Nodes;

namespace TokenVault.Tests.Connections.Behaviours;

/// <summary>Where code, designs and models live.</summary>
internal static class Developers
{
    public static IReadOnlyList<Behaviour> All { get; } =
    [
        // A GitHub App with expiring tokens: forms, commas in scopes, errors with 200.
        new("github", "https://github.com/login/oauth/authorize", "https://github.com/login/oauth/access_token")
        {
            Asks = ["repo", "gist"],
            Pkce = PkceRule.Supported,
            Lifetime = 28800,
            Answer = issue => Behaviour.Standard(issue).And($$"""{"scope":"{{string.Join(',', issue.Scopes)}}","refresh_token_expires_in":"15811200"}"""),
            AnswersForm = true,
            Dead = (200, """{"error":"bad_refresh_token","error_description":"The refresh token passed is incorrect or expired."}"""),
            User = new("https://api.github.com/user", """{"login":"octocat","id":583231,"email":null}"""),
            UserId = "583231",
            Revocation = new("DELETE", "https://api.github.com/applications/{client_id}/grant", "access", "client", "json access_token", Basic: true),
        },
        new("gitlab", "https://gitlab.example.com/oauth/authorize", "https://gitlab.example.com/oauth/token")
        {
            Options = """{"domain":"gitlab.example.com"}""",
            Asks = ["api"],
            Needs = ["read_user"],
            Pkce = PkceRule.Supported,
            Lifetime = 7200,
            User = new("https://gitlab.example.com/api/v4/user", """{"id":1,"username":"john","email":"john@example.com"}"""),
            UserId = "1",
            Email = "john@example.com",
            Revocation = new("POST", "https://gitlab.example.com/oauth/revoke") { Answer = "{}" },
        },

        // Scopes belong to the consumer and come back as scopes.
        new("bitbucket", "https://bitbucket.org/site/oauth2/authorize", "https://bitbucket.org/site/oauth2/access_token")
        {
            Basic = true,
            Rotation = RefreshRule.Stable,
            Lifetime = 7200,
            Answer = issue => new JsonObject { ["access_token"] = issue.AccessToken, ["token_type"] = "bearer", ["scopes"] = "account repository" }.WithTokens(issue),
            User = new("https://api.bitbucket.org/2.0/user", """{"uuid":"{0c8d7e3c-15ed-4c2e-8ea9-3a28d0c0a4ff}","account_id":"557058:x"}"""),
            UserId = "{0c8d7e3c-15ed-4c2e-8ea9-3a28d0c0a4ff}",
        },
        new("digitalocean", "https://cloud.digitalocean.com/v1/oauth/authorize", "https://cloud.digitalocean.com/v1/oauth/token")
        {
            Asks = ["read", "write"],
            Lifetime = 2592000,
            Answer = issue => Behaviour.Standard(issue).And("""{"info":{"name":"Sammy","email":"sammy@example.com","uuid":"e028b1b918853eca7fba208a9d7e9d29a6e93c57"}}"""),
            UserId = "e028b1b918853eca7fba208a9d7e9d29a6e93c57",
            Email = "sammy@example.com",
            Revocation = new("POST", "https://cloud.digitalocean.com/v1/oauth/revoke", "access", "bearer", "form token") { Answer = "{}" },
        },

        // Refreshes at an address of its own, and gives an access token only.
        new("figma", "https://www.figma.com/oauth", "https://api.figma.com/v1/oauth/token")
        {
            Asks = ["current_user:read", "file_content:read"],
            Separator = ',',
            Basic = true,
            Refresh = "https://api.figma.com/v1/oauth/refresh",
            Rotation = RefreshRule.Stable,
            Lifetime = 7776000,
            Answer = issue => new JsonObject { ["access_token"] = issue.AccessToken, ["user_id_string"] = "1006522937480987654" }.WithTokens(issue),
            UserId = "1006522937480987654",
        },
        new("hugging-face", "https://huggingface.co/oauth/authorize", "https://huggingface.co/oauth/token")
        {
            Asks = ["inference-api"],
            Needs = ["openid", "profile"],
            Pkce = PkceRule.Supported,
            Basic = true,
            Rotation = RefreshRule.FamilyRevoking,
            Lifetime = 28800,
            User = new("https://huggingface.co/oauth/userinfo", """{"sub":"61d375fd733d3a83ecd1bba9","email":"h@example.com"}"""),
            UserId = "61d375fd733d3a83ecd1bba9",
            Email = "h@example.com",
        },
        new("webflow", "https://webflow.com/oauth/authorize", "https://api.webflow.com/oauth/access_token")
        {
            Asks = ["sites:read"],
            Needs = ["authorized_user:read"],
            Rotation = RefreshRule.None,
            Lifetime = null,
            User = new("https://api.webflow.com/v2/token/authorized_by", """{"id":"545bbecb7bdd6769632504a7","email":"w@example.com"}"""),
            UserId = "545bbecb7bdd6769632504a7",
            Email = "w@example.com",
            Revocation = new("POST", "https://webflow.com/oauth/revoke_authorization", "access", "client", "form access_token") { Answer = """{"didRevoke":true}""" },
        },
        new("canva", "https://www.canva.com/api/oauth/authorize", "https://api.canva.com/rest/v1/oauth/token")
        {
            Asks = ["design:meta:read"],
            Pkce = PkceRule.Required,
            Basic = true,
            Rotation = RefreshRule.FamilyRevoking,
            Lifetime = 14400,
            User = new("https://api.canva.com/rest/v1/users/me", """{"team_user":{"user_id":"auDAbliZ2rQNNOsUl5OLu","team_id":"Oi2RJILTrKk0KRhRUZozX"}}"""),
            UserId = "auDAbliZ2rQNNOsUl5OLu",
            Tenant = "Oi2RJILTrKk0KRhRUZozX",
            Revocation = new("POST", "https://api.canva.com/rest/v1/oauth/revoke") { Answer = "{}" },
        },
        new("dropbox", "https://www.dropbox.com/oauth2/authorize", "https://api.dropboxapi.com/oauth2/token")
        {
            Asks = ["files.metadata.read"],
            Demands = ["token_access_type=offline"],
            Pkce = PkceRule.Supported,
            Rotation = RefreshRule.Stable,
            Lifetime = 14400,
            Answer = issue => Behaviour.Standard(issue).And(issue.IsRefresh ? "{}" : """{"account_id":"dbid:AAH4f99T0taONIb-OurWxbNQ6ywGRopQngc","uid":"12345"}"""),
            UserId = "dbid:AAH4f99T0taONIb-OurWxbNQ6ywGRopQngc",
            Revocation = new("POST", "https://api.dropboxapi.com/2/auth/token/revoke", "access", "bearer", "none") { Answer = "null" },
        },
        new("box", "https://account.box.com/api/oauth2/authorize", "https://api.box.com/oauth2/token")
        {
            Asks = ["root_readwrite"],
            Rotation = RefreshRule.Replay,
            Lifetime = 3960,
            Answer = issue => new JsonObject { ["access_token"] = issue.AccessToken, ["token_type"] = "bearer", ["restricted_to"] = new JsonArray() }.WithTokens(issue),
            User = new("https://api.box.com/2.0/users/me", """{"type":"user","id":"11446498","login":"ceo@example.com"}"""),
            UserId = "11446498",
            Email = "ceo@example.com",
            Revocation = new("POST", "https://api.box.com/oauth2/revoke"),
        },
    ];
}
