using System.Text.Json;
using System.Text.Json.Nodes;
using TokenVault.Server.Http;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Connections;

/// <summary>
/// A connection's <c>options</c>. A PATCH replaces the whole object, as Auth0 does, except that a client secret which is missing or masked
/// stays: reads never show it, and tools send back what they read.
/// </summary>
internal static class ConnectionOptionsBody
{
    private static readonly HashSet<string> Aliases = new(StringComparer.Ordinal)
    {
        "acr_values", "audience", "client_id", "display", "id_token_hint", "login_hint", "max_age", "prompt", "resource",
        "response_mode", "response_type", "ui_locales",
    };

    private static readonly Dictionary<string, string> Nothing = [];

    /// <param name="provider">The catalogue entry of the connection's strategy; null for local users.</param>
    /// <returns>The options, and <c>connected_accounts.active</c> where it stands inside them.</returns>
    public static (ConnectionOptions Options, bool? ConnectedAccounts) Read(
        BodyReader body, Connection connection, Provider? provider, Func<string, byte[]> seal)
    {
        var active = ReadAlias(body);
        if (connection.IsDatabase)
        {
            return (connection.Options, active);
        }

        body.Fixed("type", "\"back_channel\"");

        // The other value, token_endpoint, is what lets an assertion be used at another server (T-UP-05).
        body.Fixed("token_endpoint_jwtca_aud_format", "\"issuer\"");
        var options = new ConnectionOptions
        {
            ClientId = body.Text("client_id", current: null, 512),
            SealedClientSecret = ReadSecret(body, connection.Options.SealedClientSecret, seal),
            Scope = ReadScope(body),
            AllowedScopes = body.Has("allowed_scopes") && !body.IsNull("allowed_scopes") ? body.Texts("allowed_scopes", [], 200, ScopeProblem) : null,
            RequiredClaims = ReadClaims(body.Free("required_claims", current: null, ClaimsProblem)),
            SetUserRootAttributes = ReadSync(body),
            AuthorizationUrl = Url(body, "authorizationURL", "authorization_endpoint"),
            TokenUrl = Url(body, "tokenURL", "token_endpoint"),
            UserInfoUrl = Url(body, "userInfoURL", "userinfo_endpoint"),
            RevocationUrl = Url(body, "revocationURL", "revocation_endpoint"),
            DiscoveryUrl = Url(body, "discovery_url", "discovery_url"),
            Issuer = Url(body, "issuer", "issuer"),
            JwksUri = Url(body, "jwks_uri", "jwks_uri"),
            TokenEndpointAuthMethod = body.Text("token_endpoint_auth_method", current: null, 64, method =>
                method is "client_secret_post" or "client_secret_basic" or ConnectionKeys.Method ? null : "Only client_secret_post, client_secret_basic and private_key_jwt are supported"),
            TokenEndpointAuthSigningAlg = body.OneOf("token_endpoint_auth_signing_alg", "", "", [.. ConnectionKey.Algorithms]) is { Length: > 0 } alg ? alg : null,
            RotationClass = RotationRules.Parse(body.Text("rotation_class", current: null, 32, name =>
                RotationRules.Parse(name) is null ? "Not a rotation class: unknown, stable, overlap, replay, single_use, family_revoking or none" : null)),
            Downscope = body.OneOf("downscope", "", "", "none", "refresh") switch { "refresh" => Downscope.Refresh, "none" => Downscope.None, _ => null },
            Pkce = ReadPkce(body),
            Variables = ReadVariables(body, provider),
            UpstreamParams = body.Free("upstream_params", current: null, UpstreamProblem),
        };
        if (options.Downscope == Downscope.Refresh && (options.RotationClass ?? provider?.RotationClass) != RotationClass.Stable)
        {
            body.Refuse("Only where refresh tokens stay as they are: with the rotation_class stable", "downscope");
        }

        if (options.SealedClientSecret is not null && ReferenceEquals(options.SealedClientSecret, connection.Options.SealedClientSecret))
        {
            RefuseNewHosts(body, options, connection.Options);
        }

        return (options, active);
    }

    /// <summary>
    /// Secrets are never shown, so whoever may change a connection must not have the client secret sent to a host of theirs either. Who
    /// knows it may. Of the users' tokens see <see cref="MayLeaveProvider"/>.
    /// </summary>
    private static void RefuseNewHosts(BodyReader body, ConnectionOptions options, ConnectionOptions current)
    {
        if (HaveMoved(options, current))
        {
            body.Refuse("A provider address on another host needs the client secret given again", "client_secret");
        }
    }

    /// <summary>Whether anything would be sent to a host that the former options do not name.</summary>
    public static bool HaveMoved(ConnectionOptions options, ConnectionOptions former) =>
        (options.Variables ?? Nothing).Except(former.Variables ?? Nothing).Any()
        || (former.Variables ?? Nothing).Except(options.Variables ?? Nothing).Any()
        || Origins(options).Except(Origins(former), StringComparer.Ordinal).Any();

    /// <summary>
    /// Whether users' tokens would be sent to a host that may be anybody's: one that the former options do not name, and that the
    /// catalogue does not keep inside the provider.
    /// </summary>
    public static bool MayLeaveProvider(ConnectionOptions options, ConnectionOptions former, Provider? provider) =>
        Origins(options).Except(Origins(former), StringComparer.Ordinal).Any()
        || (provider is not null && provider.Variables.Any(variable => ProviderVariables.NamesAnyHost(provider, variable)
            && ProviderVariables.Value(variable, options.Variables) != ProviderVariables.Value(variable, former.Variables)));

    private static IEnumerable<string?> Origins(ConnectionOptions options) =>
        ((string?[])[
            options.AuthorizationUrl, options.TokenUrl, options.UserInfoUrl, options.RevocationUrl, options.DiscoveryUrl, options.Issuer,
        ])
        .OfType<string>()
        .Select(Urls.Origin);

    private static bool? ReadAlias(BodyReader body)
    {
        // The older name first, so that the newer one has the last word.
        var active = body.Nested(
            "federated_connections_access_tokens", default(bool?), null, nested => nested.Flag("active", current: false, fallback: false));
        return body.Nested("connected_accounts", active, false, nested => ConnectionBody.ReadConnectedAccounts(nested, current: false));
    }

    private static byte[]? ReadSecret(BodyReader body, byte[]? stored, Func<string, byte[]> seal)
    {
        if (body.IsNull("client_secret"))
        {
            return null;
        }

        var secret = body.Text("client_secret", current: null, 4096);
        return secret is null || body.Failing || IsMask(secret) ? stored : seal(secret);
    }

    private static bool IsMask(string secret) => secret.All(c => c is '*' or '•') || secret is "[REDACTED]" or "[secret]";

    private static List<string>? ReadScope(BodyReader body)
    {
        if (!body.Has("scope") && !body.Has("scopes") && !body.Has("freeform_scopes"))
        {
            return null;
        }

        var named = body.Raw("scope") is { ValueKind: JsonValueKind.String } text
            ? Scope.ParseLenient(text.GetString())
            : body.Texts("scope", [], 200);
        var further = body.Texts("scopes", [], 200).Concat(body.Texts("freeform_scopes", [], 200));
        List<string> scopes = [.. named.Union(further, StringComparer.Ordinal)];
        if (scopes.Select(ScopeProblem).FirstOrDefault(problem => problem is not null) is { } wrong)
        {
            body.Refuse(wrong, "scope");
        }

        return scopes;
    }

    /// <summary>The tenant, subdomain or the like that completes the provider's addresses.</summary>
    private static Dictionary<string, string>? ReadVariables(BodyReader body, Provider? provider)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var variable in provider?.Variables ?? [])
        {
            if (body.Text(variable.Name, current: null, 253, value => ProviderVariables.Problem(variable, value)) is { } value)
            {
                values[variable.Name] = value;
            }
        }

        return values.Count == 0 ? null : values;
    }

    private static string? ScopeProblem(string scope) => Scope.IsToken(scope) ? null : $"Not a scope: {OAuthError.Shown(scope)}";

    private static ProfileSync? ReadSync(BodyReader body) =>
        body.OneOf("set_user_root_attributes", "", "", "on_each_login", "on_first_login", "never_on_login") switch
        {
            "on_each_login" => ProfileSync.OnEachLogin,
            "on_first_login" => ProfileSync.OnFirstLogin,
            "never_on_login" => ProfileSync.NeverOnLogin,
            _ => null,
        };

    private static Dictionary<string, IReadOnlyList<string>>? ReadClaims(JsonObject? claims) =>
        claims is null || ClaimsProblem(claims) is not null
            ? null
            : claims.ToDictionary(c => c.Key, c => (IReadOnlyList<string>)[.. c.Value!.AsArray().Select(value => (string)value!)], StringComparer.Ordinal);

    private static string? ClaimsProblem(JsonObject claims) =>
        claims.Count <= 10 && claims.All(c => c.Key.Length is > 0 and <= 128 && c.Value is JsonArray { Count: > 0 and <= 100 } values && values.All(IsText))
            ? null
            : "Claims come as {\"hd\":[\"example.com\"]}: up to 10, each with up to 100 texts";

    private static bool IsText(JsonNode? value) => value is JsonValue text && text.TryGetValue<string>(out var content) && content.Length is > 0 and <= 512;

    private static bool? ReadPkce(BodyReader body)
    {
        var named = Optional(body, "pkce");
        return Optional(body, "pkce_enabled") is { } alias ? named ?? alias : named;
    }

    private static bool? Optional(BodyReader body, string name)
    {
        var value = body.Flag(name, current: false, fallback: false);
        return body.Has(name) && !body.IsNull(name) ? value : null;
    }

    private static string? Url(BodyReader body, string name, string alias) =>
        body.Text(name, body.Text(alias, current: null, WebUri.LongestUri, UrlProblem), WebUri.LongestUri, UrlProblem);

    /// <summary>https, or http to this very machine; whether the address may be called at all is the egress guard's to say.</summary>
    private static string? UrlProblem(string url)
    {
        if (!UpstreamUrl.TryParse(url, out var parsed, out var problem))
        {
            return "The URL " + problem;
        }

        return parsed.Scheme == Uri.UriSchemeHttps || WebUri.IsLoopback(parsed.Host)
            ? null
            : "The URL must begin with https:// unless its host is a loopback one";
    }

    private static string? UpstreamProblem(JsonObject parameters)
    {
        foreach (var (name, setting) in parameters)
        {
            if (name.Length is 0 or > 128 || AuthorizationUrl.IsReserved(name))
            {
                return $"The parameter {OAuthError.Shown(name)} is the flow's own";
            }

            var valid = setting is JsonObject { Count: 1 } one
                && ((one["value"] is JsonValue value && value.TryGetValue<string>(out var text) && text.Length <= 2048)
                    || (one["alias"] is JsonValue alias && alias.TryGetValue<string>(out var from) && Aliases.Contains(from)));
            if (!valid)
            {
                return $"The parameter {OAuthError.Shown(name)} is neither {{\"value\":\"…\"}} nor {{\"alias\":\"…\"}} of a known parameter";
            }
        }

        return parameters.Count > 50 ? "There are more than 50 parameters" : null;
    }
}
