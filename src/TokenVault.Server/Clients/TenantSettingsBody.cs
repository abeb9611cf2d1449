using TokenVault.Server.Http;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Clients;

/// <summary>What a body may say about the tenant. Settings that this server does not have are accepted at the value that it acts by.</summary>
internal static class TenantSettingsBody
{
    private const int MostUrls = 100;

    /// <summary>Hours: a year.</summary>
    private const int LongestSession = 8760;

    /// <summary>All of them may be sent, and all of them are off.</summary>
    private static readonly string[] Flags =
    [
        "allow_changing_enable_sso", "allow_legacy_delegation_grant_types", "allow_legacy_ro_grant_types", "allow_legacy_tokeninfo_endpoint",
        "change_pwd_flow_v1", "dashboard_insights_view", "dashboard_log_streams_next", "disable_clickjack_protection_headers",
        "disable_fields_map_fix", "disable_impersonation", "disable_management_api_sms_obfuscation", "enable_adfs_waad_email_verification",
        "enable_apis_section", "enable_client_connections", "enable_custom_domain_in_emails", "enable_dynamic_client_registration",
        "enable_idtoken_api2", "enable_legacy_logs_search_v2", "enable_legacy_profile", "enable_pipeline2", "enable_public_signup_user_exists_error",
        "enable_sso", "mfa_show_factor_list_on_enrollment", "no_disclose_enterprise_connections", "remove_alg_from_jwks",
        "require_pushed_authorization_requests", "revoke_refresh_token_grant", "universal_login", "use_scope_descriptions_for_consent",
    ];

    public static TenantSettings Read(BodyReader body, TenantSettings current, TokenVaultOptions options)
    {
        ReadFixed(body, options);
        var settings = current with
        {
            FriendlyName = body.Text("friendly_name", current.FriendlyName, 200),
            PictureUrl = body.Text("picture_url", current.PictureUrl, WebUri.LongestUri, UrlProblem),
            SupportEmail = body.Text("support_email", current.SupportEmail, 254),
            SupportUrl = body.Text("support_url", current.SupportUrl, WebUri.LongestUri, UrlProblem),
            SessionLifetime = body.Number("session_lifetime", current.SessionLifetime, 0, 1, LongestSession),
            IdleSessionLifetime = body.Number("idle_session_lifetime", current.IdleSessionLifetime, 0, 1, LongestSession),
            AllowedLogoutUrls = body.Texts("allowed_logout_urls", current.AllowedLogoutUrls, MostUrls, LogoutProblem),
        };
        return settings;
    }

    private static void ReadFixed(BodyReader body, TokenVaultOptions options)
    {
        body.Nested("flags", 0, 0, flags =>
        {
            Array.ForEach(Flags, name => flags.Fixed(name, "false"));
            return 0;
        });
        body.Nested("mtls", 0, 0, mtls =>
        {
            mtls.Fixed("enable_endpoint_aliases", options.Mtls.Alias is null ? "false" : "true");
            return 0;
        });
        body.Nested("session_cookie", 0, 0, cookie =>
        {
            cookie.Fixed("mode", "\"persistent\"");
            return 0;
        });
        body.Fixed("default_audience", "\"\"");
        body.Fixed("default_directory", $"\"{Wire.DatabaseConnection}\"");
        body.Fixed("resource_parameter_profile", "\"audience\"");
        body.Fixed("enabled_locales", "[\"en\"]");
        body.Fixed("acr_values_supported", "[]");
        body.Fixed("sandbox_version", "\"\"");
        foreach (var name in (string[])["customize_mfa_in_postlogin_action", "allow_organization_name_in_authentication_api", "skip_non_verifiable_callback_uri_confirmation_prompt"])
        {
            body.Fixed(name, "false");
        }

        body.Fixed("pushed_authorization_requests_supported", "true");
        body.Fixed("authorization_response_iss_parameter_supported", "true");
    }

    private static string? UrlProblem(string url) => WebUri.IsAcceptable(url, out var problem) ? null : problem;

    private static string? LogoutProblem(string url) => RedirectUri.IsRegistrable(url, native: false, out var problem) ? null : problem;
}
