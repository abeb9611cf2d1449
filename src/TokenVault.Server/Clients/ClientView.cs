using System.Text.Json.Nodes;
using TokenVault.Server.Http;

namespace TokenVault.Server.Clients;

/// <summary>
/// A client on the wire. The secret is not here: only its keyed hash is stored (T-CA-02), so no read can return it;
/// creation and rotation show it once.
/// </summary>
internal static class ClientView
{
    public static JsonObject Of(Client client)
    {
        var json = new JsonObject
        {
            ["client_id"] = client.ClientId,
            ["name"] = client.Name,
            ["app_type"] = client.AppType,
            ["global"] = false,
            ["is_first_party"] = client.IsFirstParty,
            ["oidc_conformant"] = client.OidcConformant,
            ["callbacks"] = WireJson.Texts(client.Callbacks),
            ["allowed_logout_urls"] = WireJson.Texts(client.AllowedLogoutUrls),
            ["web_origins"] = WireJson.Texts(client.WebOrigins),
            ["allowed_origins"] = WireJson.Texts(client.AllowedOrigins),
            ["grant_types"] = WireJson.Texts(client.GrantTypes),
            ["jwt_configuration"] = new JsonObject
            {
                ["alg"] = client.JwtConfiguration.Alg,
                ["lifetime_in_seconds"] = client.JwtConfiguration.LifetimeInSeconds,
                ["secret_encoded"] = false,
            },
            ["token_endpoint_auth_method"] = client.TokenEndpointAuthMethod,
            ["is_token_endpoint_ip_header_trusted"] = false,
            ["require_pushed_authorization_requests"] = client.RequirePushedAuthorizationRequests,
            ["require_proof_of_possession"] = client.RequireProofOfPossession,
            ["refresh_token"] = RefreshToken(client.RefreshToken),
            ["created_at"] = WireJson.Date(client.CreatedAt),
            ["updated_at"] = WireJson.Date(client.UpdatedAt),
        };
        return json
            .With("description", client.Description)
            .With("logo_uri", client.LogoUri)
            .With("resource_server_identifier", client.ResourceServerIdentifier)
            .With("client_authentication_methods", Methods(client))
            .With("token_vault_privileged_access", client.PrivilegedAccess is { } access ? Access(access) : null)
            .With("token_exchange", AgentPolicyBody.View(client.TokenExchange))
            .With("agent_policy", AgentPolicyBody.View(client.AgentPolicy))
            .With("oidc_logout", OidcLogoutBody.View(client.OidcLogout))
            .With("client_metadata", client.ClientMetadata?.DeepClone());
    }

    public static JsonObject Of(Client client, string secret) => Of(client).With("client_secret", secret);

    private static JsonObject? Methods(Client client) => client.AuthenticationCredentials.Count == 0
        ? null
        : new JsonObject { [client.TokenEndpointAuthMethod] = new JsonObject { ["credentials"] = Ids(client.AuthenticationCredentials) } };

    private static JsonObject Access(PrivilegedAccess access)
    {
        var json = new JsonObject { ["credentials"] = Ids(access.Credentials) };
        return json
            .With("ip_allowlist", access.IpAllowlist is { } addresses ? WireJson.Texts(addresses) : null)
            .With("grants", access.Grants is { } grants ? WireJson.Array(grants.Select(grant => new JsonObject
            {
                ["connection"] = grant.Connection,
                ["scopes"] = WireJson.Texts(grant.Scopes),
            })) : null)
            .With("requests_per_minute", access.RequestsPerMinute == 0 ? null : access.RequestsPerMinute)
            .With("users_per_hour", access.UsersPerHour == 0 ? null : access.UsersPerHour);
    }

    private static JsonArray Ids(IEnumerable<string> ids) => WireJson.Array(ids.Select(id => new JsonObject { ["id"] = id }));

    private static JsonObject RefreshToken(RefreshTokenSettings settings) => new()
    {
        ["rotation_type"] = settings.RotationType,
        ["expiration_type"] = settings.ExpirationType,
        ["leeway"] = settings.Leeway,
        ["token_lifetime"] = settings.TokenLifetime,
        ["infinite_token_lifetime"] = settings.InfiniteTokenLifetime,
        ["idle_token_lifetime"] = settings.IdleTokenLifetime,
        ["infinite_idle_token_lifetime"] = settings.InfiniteIdleTokenLifetime,
        ["policies"] = WireJson.Array(settings.Policies.Select(policy => new JsonObject
        {
            ["audience"] = policy.Audience,
            ["scope"] = WireJson.Texts(policy.Scope),
        })),
    };
}
