using System.Text.Json.Nodes;
using TokenVault.Server.Http;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Clients;

/// <summary>What a body may say about a client (contract: Auth0's client object), laid over the client there is.</summary>
internal static class ClientBody
{
    private const int MostUrls = 100;
    private const int LongestLifetime = 157_788_000;

    private static readonly HashSet<string> GrantTypes = new(StringComparer.Ordinal)
    {
        Wire.AuthorizationCode, Wire.RefreshToken, Wire.ClientCredentials, Wire.FederatedExchange, "implicit", "password",
        "http://auth0.com/oauth/grant-type/password-realm", "http://auth0.com/oauth/grant-type/mfa-oob",
        "http://auth0.com/oauth/grant-type/mfa-otp", "http://auth0.com/oauth/grant-type/mfa-recovery-code",
        "http://auth0.com/oauth/grant-type/passwordless/otp", Wire.DeviceCode,
        Wire.TokenExchange, "urn:ietf:params:oauth:grant-type:jwt-bearer",
        Wire.Ciba, "urn:okta:params:oauth:grant-type:webauthn",
    };

    public static Client Read(BodyReader body, Client current, DateTimeOffset now)
    {
        var type = body.OneOf("app_type", current.AppType, "regular_web", "native", "spa", "regular_web", "non_interactive", "resource_server");
        IgnoreFixed(body);
        var client = current with
        {
            Name = body.RequiredText("name", current.Name, 128, NameProblem),
            Description = body.Text("description", current.Description, 140),
            LogoUri = body.Text("logo_uri", current.LogoUri, WebUri.LongestUri, UrlProblem),
            AppType = type,
            ResourceServerIdentifier = body.Text("resource_server_identifier", current.ResourceServerIdentifier, 600),
            IsFirstParty = body.Flag("is_first_party", current.IsFirstParty, fallback: true),
            OidcConformant = body.Flag("oidc_conformant", current.OidcConformant, fallback: true),
            Callbacks = body.Texts("callbacks", current.Callbacks, MostUrls),
            AllowedLogoutUrls = body.Texts("allowed_logout_urls", current.AllowedLogoutUrls, MostUrls),
            WebOrigins = body.Texts("web_origins", current.WebOrigins, MostUrls, OriginProblem),
            AllowedOrigins = body.Texts("allowed_origins", current.AllowedOrigins, MostUrls, OriginProblem),
            JwtConfiguration = body.Nested("jwt_configuration", current.JwtConfiguration, new JwtConfiguration(), ReadJwt),
            RefreshToken = body.Nested("refresh_token", current.RefreshToken, new RefreshTokenSettings(), ReadRefreshToken),
            RequireProofOfPossession = body.Flag("require_proof_of_possession", current.RequireProofOfPossession, fallback: false),
            RequirePushedAuthorizationRequests = body.Flag("require_pushed_authorization_requests", current.RequirePushedAuthorizationRequests, fallback: false),
            OidcLogout = body.Nested("oidc_logout", current.OidcLogout, fallback: null, OidcLogoutBody.Read),
            ClientMetadata = ReadMetadata(body, current),
        };
        client = AgentPolicyBody.Read(body, current, WithTypeDefaults(body, client, isNew: current.Version == 0));
        return Checked(body, ClientAccessBody.Read(body, current, client, now));
    }

    /// <summary>Merged, as in Auth0: Terraform sends null for a member that is to go, and what it does not name stays.</summary>
    private static JsonObject? ReadMetadata(BodyReader body, Client current)
    {
        const string name = "client_metadata";
        var merged = WireJson.Merged(current.ClientMetadata, body.Free(name, current: null, _ => null), body.IsNull(name));
        if (merged is not null && WireJson.MetadataProblem(merged) is { } problem)
        {
            body.Refuse(problem, name);
        }

        return merged;
    }

    /// <summary>A secret of the caller's own choice; null when the body has none.</summary>
    public static string? ReadSecret(BodyReader body) =>
        body.Text("client_secret", current: null, 512, secret =>
            secret.Length < 32 ? "A client secret has at least 32 characters"
            : secret.All(c => c is > ' ' and <= '~') ? null
            : "A client secret holds printable ASCII only");

    /// <summary>The grants and the authentication that fit the kind of application, where the body does not say.</summary>
    private static Client WithTypeDefaults(BodyReader body, Client client, bool isNew)
    {
        var (grants, method) = client.AppType switch
        {
            "native" or "spa" => ((string[])[Wire.AuthorizationCode, Wire.RefreshToken], "none"),
            "non_interactive" => ([Wire.ClientCredentials], "client_secret_post"),
            "resource_server" => ([], "client_secret_post"),
            _ => ([Wire.AuthorizationCode, Wire.RefreshToken, Wire.ClientCredentials], "client_secret_post"),
        };
        var given = body.Texts("grant_types", isNew ? grants : client.GrantTypes, 30, GrantTypeProblem);

        // private_key_jwt is no value of Auth0's enumeration, and its setup tool sends it all the same.
        return client with
        {
            GrantTypes = body.IsNull("grant_types") ? grants : given,
            TokenEndpointAuthMethod = body.OneOf(
                "token_endpoint_auth_method",
                isNew ? method : client.TokenEndpointAuthMethod,
                method,
                "none", "client_secret_post", "client_secret_basic", Client.PrivateKeyJwt, Client.Tls, Client.SelfSignedTls),
        };
    }

    /// <summary>What holds between members, so that a change of one is checked against the others.</summary>
    private static Client Checked(BodyReader body, Client client)
    {
        var native = string.Equals(client.AppType, "native", StringComparison.Ordinal);
        CheckUrls(body, "callbacks", client.Callbacks, native);
        CheckUrls(body, "allowed_logout_urls", client.AllowedLogoutUrls, native);
        if (client.ResourceServerIdentifier is not null && !string.Equals(client.AppType, "resource_server", StringComparison.Ordinal))
        {
            body.Refuse("Only a client with app_type resource_server stands for an API", "resource_server_identifier");
        }

        return client;
    }

    private static void CheckUrls(BodyReader body, string name, IReadOnlyList<string> urls, bool native)
    {
        for (var i = 0; i < urls.Count; i++)
        {
            if (!RedirectUri.IsRegistrable(urls[i], native, out var problem))
            {
                body.Refuse(problem, $"{name}[{i}]");
            }
        }
    }

    private static JwtConfiguration ReadJwt(BodyReader body)
    {
        var defaults = new JwtConfiguration();
        body.Fixed("secret_encoded", "false");
        body.Fixed("scopes", "{}");
        return new JwtConfiguration
        {
            Alg = body.OneOf("alg", defaults.Alg, defaults.Alg, "RS256", "ES256"),
            LifetimeInSeconds = body.Number("lifetime_in_seconds", defaults.LifetimeInSeconds, defaults.LifetimeInSeconds, 1, 2_592_000),
        };
    }

    private static RefreshTokenSettings ReadRefreshToken(BodyReader body)
    {
        var defaults = new RefreshTokenSettings();
        return new RefreshTokenSettings
        {
            RotationType = body.OneOf("rotation_type", defaults.RotationType, defaults.RotationType, "rotating", "non-rotating"),
            ExpirationType = body.OneOf("expiration_type", defaults.ExpirationType, defaults.ExpirationType, "expiring", "non-expiring"),
            Leeway = body.Number("leeway", defaults.Leeway, defaults.Leeway, 0, 60),
            TokenLifetime = body.Number("token_lifetime", defaults.TokenLifetime, defaults.TokenLifetime, 1, LongestLifetime),
            InfiniteTokenLifetime = body.Flag("infinite_token_lifetime", defaults.InfiniteTokenLifetime, fallback: false),
            IdleTokenLifetime = body.Number("idle_token_lifetime", defaults.IdleTokenLifetime, defaults.IdleTokenLifetime, 1, LongestLifetime),
            InfiniteIdleTokenLifetime = body.Flag("infinite_idle_token_lifetime", defaults.InfiniteIdleTokenLifetime, fallback: false),
            Policies = body.Objects("policies", defaults.Policies, 20, ReadPolicy),
        };
    }

    private static RefreshTokenPolicy ReadPolicy(BodyReader body) => new()
    {
        Audience = body.RequiredText("audience", "", 600),
        Scope = body.Texts("scope", [], 100, ScopeProblem),
    };

    private static void IgnoreFixed(BodyReader body)
    {
        foreach (var name in (string[])["is_token_endpoint_ip_header_trusted",
            "sso", "sso_disabled", "cross_origin_authentication", "cross_origin_auth", "skip_non_verifiable_callback_uri_confirmation_prompt"])
        {
            body.Fixed(name, "false");
        }

        foreach (var name in (string[])["addons", "mobile", "native_social_login", "oidc_backchannel_logout"])
        {
            body.Fixed(name, "{}");
        }

        // Terraform sends null for what its configuration does not name; there is nothing of it here to take away.
        foreach (var name in (string[])["default_organization", "session_transfer", "cross_origin_loc", "encryption_key", "token_quota"])
        {
            body.Fixed(name, "null");
        }

        body.Fixed("allowed_clients", "[]");
        body.Fixed("client_aliases", "[]");
        body.Fixed("organization_require_behavior", "\"no_prompt\"");
        body.Fixed("compliance_level", "\"none\"");
        body.Fixed("custom_login_page_on", "true");
        body.Fixed("organization_usage", "\"deny\"");
    }

    private static string? NameProblem(string name) => name.Contains('<') || name.Contains('>') ? "A name holds neither < nor >" : null;

    private static string? UrlProblem(string url) => WebUri.IsAcceptable(url, out var problem) ? null : problem;

    private static string? OriginProblem(string origin) => WebUri.IsOrigin(origin, out var problem) ? null : problem;

    private static string? GrantTypeProblem(string grantType) =>
        GrantTypes.Contains(grantType) ? null : $"Unknown grant type: {OAuthError.Shown(grantType)}";

    private static string? ScopeProblem(string scope) => Scope.IsToken(scope) ? null : $"Not a scope: {OAuthError.Shown(scope)}";
}
