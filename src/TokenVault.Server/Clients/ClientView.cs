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
            ["require_pushed_authorization_requests"] = false,
            ["require_proof_of_possession"] = false,
            ["refresh_token"] = RefreshToken(client.RefreshToken),
            ["created_at"] = WireJson.Date(client.CreatedAt),
            ["updated_at"] = WireJson.Date(client.UpdatedAt),
        };
        return json
            .With("description", client.Description)
            .With("logo_uri", client.LogoUri)
            .With("resource_server_identifier", client.ResourceServerIdentifier)
            .With("client_metadata", client.ClientMetadata?.DeepClone());
    }

    public static JsonObject Of(Client client, string secret) => Of(client).With("client_secret", secret);

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
