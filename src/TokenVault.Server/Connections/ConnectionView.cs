using System.Text.Json.Nodes;
using TokenVault.Server.Http;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Connections;

/// <summary>A connection on the wire, without its secret. Whatever is here is accepted when it comes back.</summary>
internal static class ConnectionView
{
    public static JsonObject Of(Connection connection, string issuer)
    {
        var json = new JsonObject
        {
            ["id"] = connection.Id,
            ["name"] = connection.Name,
            ["strategy"] = connection.Strategy,
            ["options"] = Options(connection),
            ["realms"] = WireJson.Texts([connection.Name]),
            ["enabled_clients"] = WireJson.Texts(connection.EnabledClients),
            ["is_domain_connection"] = false,
            ["show_as_button"] = connection.ShowAsButton,
            ["authentication"] = new JsonObject { ["active"] = connection.AuthenticationActive },
            ["connected_accounts"] = new JsonObject { ["active"] = connection.ConnectedAccountsActive }.With("approval", Approval(connection.Approval)),
        };
        return json
            .With("display_name", connection.DisplayName)
            .With("metadata", connection.Metadata?.DeepClone())
            .With("callback_url", connection.IsDatabase ? null : connection.CallbackUrl(issuer));
    }

    private static JsonObject? Approval(ConnectionApproval? approval) => approval is null ? null : new JsonObject
    {
        ["required"] = approval.Required,
        ["scopes"] = WireJson.Texts(approval.Scopes),
        ["valid_for"] = approval.ValidFor,
        ["expires_in"] = approval.ExpiresIn,
    };

    private static JsonObject Options(Connection connection)
    {
        var options = connection.Options;
        var json = new JsonObject { ["connected_accounts"] = new JsonObject { ["active"] = connection.ConnectedAccountsActive } };
        if (connection.Strategy == "oidc")
        {
            // Typed tools read these names of this strategy, and take a missing one for a change.
            json.With("authorization_endpoint", options.AuthorizationUrl)
                .With("token_endpoint", options.TokenUrl)
                .With("userinfo_endpoint", options.UserInfoUrl)
                .With("type", "back_channel");
        }

        foreach (var (name, value) in options.Variables ?? new Dictionary<string, string>())
        {
            json[name] = value;
        }

        return json
            .With("client_id", options.ClientId)
            .With("scope", ScopeOf(connection))
            .With("allowed_scopes", options.AllowedScopes is { } allowed ? WireJson.Texts(allowed) : null)
            .With("required_claims", options.RequiredClaims is { } claims ? Claims(claims) : null)
            .With("set_user_root_attributes", options.SetUserRootAttributes is { } sync ? SyncName(sync) : null)
            .With("authorizationURL", options.AuthorizationUrl)
            .With("tokenURL", options.TokenUrl)
            .With("userInfoURL", options.UserInfoUrl)
            .With("revocationURL", options.RevocationUrl)
            .With("discovery_url", options.DiscoveryUrl)
            .With("issuer", options.Issuer)
            .With("jwks_uri", options.JwksUri)
            .With("token_endpoint_auth_method", options.TokenEndpointAuthMethod)
            .With("token_endpoint_auth_signing_alg", options.TokenEndpointAuthSigningAlg)
            .With("rotation_class", options.RotationClass is { } rotation ? RotationRules.Name(rotation) : null)
            .With("downscope", options.Downscope is { } downscope ? (downscope == Downscope.Refresh ? "refresh" : "none") : null)
            .With("pkce", options.Pkce)
            .With("upstream_params", options.UpstreamParams?.DeepClone());
    }

    private static JsonObject Claims(IReadOnlyDictionary<string, IReadOnlyList<string>> claims) =>
        new([.. claims.Select(claim => KeyValuePair.Create(claim.Key, (JsonNode?)WireJson.Texts(claim.Value)))]);

    private static string SyncName(ProfileSync sync) => sync switch
    {
        ProfileSync.OnFirstLogin => "on_first_login",
        ProfileSync.NeverOnLogin => "never_on_login",
        _ => "on_each_login",
    };

    /// <summary>Typed SDKs read a text for the custom strategies and for Facebook, a list for the others, and fail on the other form.</summary>
    private static JsonNode? ScopeOf(Connection connection)
    {
        if (connection.Options.Scope is not { } scope)
        {
            return null;
        }

        return connection.Strategy switch
        {
            "oauth2" or "oidc" => JsonValue.Create(Scope.Format(scope)),
            "facebook" => JsonValue.Create(string.Join(',', scope)),
            _ => WireJson.Texts(scope),
        };
    }
}
