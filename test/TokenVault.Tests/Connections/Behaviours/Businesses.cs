using System.Text.Json.Nodes;

namespace TokenVault.Tests.Connections.Behaviours;

/// <summary>Customers, money and shops.</summary>
internal static class Businesses
{
    public static IReadOnlyList<Behaviour> All { get; } =
    [
        new("hubspot", "https://app.hubspot.com/oauth/authorize", "https://api.hubapi.com/oauth/2026-03/token")
        {
            Asks = ["crm.objects.contacts.read"],
            Needs = ["oauth"],
            Rotation = RefreshRule.Stable,
            Lifetime = 1800,
            Answer = issue => Behaviour.Standard(issue).And($$"""{"hub_id":1234567,"scopes":["oauth"]{{(issue.RefreshToken is null ? ",\"refresh_token\":\"\"" : "")}}}"""),
            UserId = "1234567",
            Tenant = "1234567",
            Comes = ["hub_id=1234567"],
            Revocation = new("POST", "https://api.hubapi.com/oauth/2026-03/token/revoke"),
        },

        // Errors with 200, scopes with commas, tokens under a scheme of its own.
        new("zoho", "https://accounts.zoho.eu/oauth/v2/auth", "https://accounts.zoho.eu/oauth/v2/token")
        {
            Options = """{"data_center":"zoho.eu"}""",
            Asks = ["ZohoCRM.modules.READ"],
            Needs = ["AaaServer.profile.READ"],
            Separator = ',',
            Demands = ["access_type=offline", "prompt=consent"],
            Rotation = RefreshRule.Stable,
            Answer = issue => Behaviour.Standard(issue).And("""{"expires_in":3600000,"expires_in_sec":3600,"api_domain":"https://www.zohoapis.eu"}"""),
            Dead = (200, """{"error":"invalid_code"}"""),
            User = new("https://accounts.zoho.eu/oauth/user/info", """{"First_Name":"Zoe","Email":"zoe@example.com","ZUID":20047012345}""", "Authorization: Zoho-oauthtoken {token}"),
            UserId = "20047012345",
            Email = "zoe@example.com",
            Comes = ["api_domain=https://www.zohoapis.eu"],
            Revocation = new("POST", "https://accounts.zoho.eu/oauth/v2/token/revoke") { Answer = """{"status":"success"}""" },
        },
        new("zendesk", "https://acme.zendesk.com/oauth/authorizations/new", "https://acme.zendesk.com/oauth/tokens")
        {
            Options = """{"subdomain":"acme"}""",
            Asks = ["read", "tickets:write"],
            Pkce = PkceRule.Supported,
            User = new("https://acme.zendesk.com/api/v2/users/me.json", """{"user":{"id":35436,"email":"agent@example.com"}}"""),
            UserId = "35436",
            Email = "agent@example.com",
            Revocation = new("DELETE", "https://acme.zendesk.com/api/v2/oauth/tokens/current.json", "access", "bearer", "none"),
        },
        new("intercom", "https://app.intercom.com/oauth", "https://api.intercom.io/auth/eagle/token")
        {
            Rotation = RefreshRule.None,
            Lifetime = null,
            Answer = issue => new JsonObject { ["access_token"] = issue.AccessToken, ["token"] = issue.AccessToken, ["token_type"] = "Bearer" },
            User = new("https://api.intercom.io/me", """{"type":"admin","id":"1295","email":"i@example.com","app":{"type":"app","id_code":"abc123"}}"""),
            UserId = "1295",
            Email = "i@example.com",
            Tenant = "abc123",
        },
        new("pipedrive", "https://oauth.pipedrive.com/oauth/authorize", "https://oauth.pipedrive.com/oauth/token")
        {
            Basic = true,
            Rotation = RefreshRule.Stable,
            Lifetime = 3599,
            Answer = issue => Behaviour.Standard(issue).And("""{"scope":"base,deals:read","api_domain":"https://acme.pipedrive.com"}"""),
            User = new("https://api.pipedrive.com/v1/users/me", """{"success":true,"data":{"id":7321,"email":"p@example.com","company_id":12122}}"""),
            UserId = "7321",
            Email = "p@example.com",
            Tenant = "12122",
            Comes = ["api_domain=https://acme.pipedrive.com"],
            Revocation = new("POST", "https://oauth.pipedrive.com/oauth/revoke"),
        },

        // The company is named in the callback only; the refresh token's predecessor lives on for a day.
        new("quickbooks", "https://appcenter.intuit.com/connect/oauth2", "https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer")
        {
            Asks = ["com.intuit.quickbooks.accounting"],
            Needs = ["openid"],
            Basic = true,
            Rotation = RefreshRule.Overlap,
            Answer = issue => new JsonObject { ["access_token"] = issue.AccessToken, ["token_type"] = "bearer", ["x_refresh_token_expires_in"] = 8726400 }.WithTokens(issue),
            User = new("https://accounts.platform.intuit.com/v1/openid_connect/userinfo", """{"sub":"5c9f7a2f-1b2c","email":"q@example.com"}"""),
            UserId = "5c9f7a2f-1b2c",
            Email = "q@example.com",
            Callback = "realmId=9341453172",
            Tenant = "9341453172",
            Comes = ["realmId=9341453172"],
            Revocation = new("POST", "https://developer.api.intuit.com/v2/oauth2/tokens/revoke", Place: "json token"),
        },
        new("xero", "https://login.xero.com/identity/connect/authorize", "https://identity.xero.com/connect/token")
        {
            Asks = ["accounting.transactions"],
            Needs = ["openid", "profile", "offline_access"],
            Pkce = PkceRule.Supported,
            Basic = true,
            Rotation = RefreshRule.Overlap,
            Lifetime = 1800,
            User = new("https://identity.xero.com/connect/userinfo", """{"sub":"db0b7a5f","xero_userid":"5ea1d8a6-5b2d","email":"x@example.com"}"""),
            UserId = "5ea1d8a6-5b2d",
            Email = "x@example.com",
            Revocation = new("POST", "https://identity.xero.com/connect/revocation"),
        },

        // JSON with the secret in it.
        new("freshbooks", "https://auth.freshbooks.com/oauth/authorize", "https://api.freshbooks.com/auth/oauth/token")
        {
            Asks = ["user:invoices:read"],
            Needs = ["user:profile:read"],
            Json = true,
            Lifetime = 43200,
            User = new("https://api.freshbooks.com/auth/api/v1/users/me", """{"response":{"id":2192788,"identity_id":712052,"email":"f@example.com"}}"""),
            UserId = "712052",
            Email = "f@example.com",
            Revocation = new("POST", "https://api.freshbooks.com/auth/oauth/revoke", Place: "json token"),
        },
        PayPal("paypal", "www.paypal.com", "api-m.paypal.com"),
        PayPal("paypal-sandbox", "www.sandbox.paypal.com", "api-m.sandbox.paypal.com"),

        // No lifetime is named although there is a refresh token: an hour is assumed.
        new("stripe-connect", "https://connect.stripe.com/oauth/authorize", "https://connect.stripe.com/oauth/token")
        {
            Asks = ["read_write"],
            Rotation = RefreshRule.Stable,
            SaysLifetime = false,
            Answer = issue => Behaviour.Standard(issue).And("""{"stripe_user_id":"acct_1Ab","stripe_publishable_key":"pk_live_1","livemode":true}"""),
            UserId = "acct_1Ab",
            Comes = ["stripe_user_id=acct_1Ab"],
        },
        new("shopify", "https://acme.myshopify.com/admin/oauth/authorize", "https://acme.myshopify.com/admin/oauth/access_token")
        {
            Options = """{"shop":"acme"}""",
            Asks = ["read_products", "write_orders"],
            Separator = ',',
            RedeemDemands = ["expiring=1"],
            Rotation = RefreshRule.Replay,
            Answer = issue => new JsonObject { ["access_token"] = issue.AccessToken, ["scope"] = string.Join(',', issue.Scopes) }.WithTokens(issue),
            Callback = "shop=acme.myshopify.com&hmac=0a1b&host=YWRtaW4&timestamp=1",
            User = new("https://acme.myshopify.com/admin/api/2025-10/shop.json", """{"shop":{"id":548380009,"email":"bob@example.com"}}""", "X-Shopify-Access-Token: {token}"),
            UserId = "548380009",
            Email = "bob@example.com",
            Revocation = new("DELETE", "https://acme.myshopify.com/admin/api_permissions/current.json", "access", "X-Shopify-Access-Token", "none"),
        },
        new("docusign", "https://account-d.docusign.com/oauth/auth", "https://account-d.docusign.com/oauth/token")
        {
            Options = """{"environment":"account-d"}""",
            Asks = ["extended"],
            Needs = ["signature"],
            Pkce = PkceRule.Supported,
            Basic = true,
            Rotation = RefreshRule.Overlap,
            Lifetime = 28800,
            User = new("https://account-d.docusign.com/oauth/userinfo", """{"sub":"50d89ab1-dad5","email":"d@example.com"}"""),
            UserId = "50d89ab1-dad5",
            Email = "d@example.com",
        },
        new("typeform", "https://api.typeform.com/oauth/authorize", "https://api.typeform.com/oauth/token")
        {
            Asks = ["forms:read"],
            Needs = ["accounts:read", "offline"],
            Lifetime = 604800,
            User = new("https://api.typeform.com/me", """{"user_id":"01ARZ3","alias":"Tess","email":"ty@example.com"}"""),
            UserId = "01ARZ3",
            Email = "ty@example.com",
        },

        // expires_in 0 means never.
        new("mailchimp", "https://login.mailchimp.com/oauth2/authorize", "https://login.mailchimp.com/oauth2/token")
        {
            Rotation = RefreshRule.None,
            Lifetime = null,
            Answer = issue => new JsonObject { ["access_token"] = issue.AccessToken, ["expires_in"] = 0, ["scope"] = null },
            User = new("https://login.mailchimp.com/oauth2/metadata", """{"dc":"us6","user_id":1234,"login":{"email":"mc@example.com","login_id":99},"api_endpoint":"https://us6.api.mailchimp.com"}""", "Authorization: OAuth {token}"),
            UserId = "1234",
            Email = "mc@example.com",
        },
    ];

    private static Behaviour PayPal(string strategy, string web, string api) => new(strategy, $"https://{web}/signin/authorize", $"https://{api}/v1/oauth2/token")
    {
        Asks = ["email"],
        Needs = ["openid"],
        Basic = true,
        Rotation = RefreshRule.Stable,
        Lifetime = 28800,
        Answer = issue => Behaviour.Standard(issue).And("""{"nonce":"2020-04-03T15:35:36Z"}"""),
        User = new($"https://{api}/v1/identity/oauth2/userinfo?schema=paypalv1.1", """{"user_id":"https://www.paypal.com/webapps/auth/identity/user/mWq6","emails":[{"value":"pp@example.com","primary":true}]}"""),
        UserId = "https://www.paypal.com/webapps/auth/identity/user/mWq6",
        Email = "pp@example.com",
    };
}
