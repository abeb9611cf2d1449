using System.Text.Json.Nodes;
using TokenVault.Server.Http;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Clients;

/// <summary>The members <c>agent_policy</c> and <c>token_exchange</c> of a client, as they come and as they are shown. Each is replaced as a whole.</summary>
internal static class AgentPolicyBody
{
    private const int LongestLifetime = 157_788_000;

    public static Client Read(BodyReader body, Client current, Client client) => client with
    {
        AgentPolicy = body.Nested("agent_policy", current.AgentPolicy, fallback: null, ReadPolicy),
        TokenExchange = body.Nested("token_exchange", current.TokenExchange, fallback: null, ReadExchange),
    };

    public static JsonObject? View(AgentPolicy? policy) => policy is null
        ? null
        : new JsonObject()
            .With("connections", policy.Connections is { } connections ? WireJson.Array(connections.Select(View)) : null)
            .With("max_lifetime", policy.MaxLifetime == 0 ? null : policy.MaxLifetime)
            .With("approval", policy.Approval);

    public static JsonObject? View(TokenExchangeSettings? exchange) => exchange is null
        ? null
        : new JsonObject
        {
            ["allow_any_profile_of_type"] = WireJson.Texts(exchange.AllowAnyProfileOfType),
            ["allow_impersonation"] = exchange.AllowImpersonation,
        };

    private static JsonObject View(AgentConnection connection) =>
        new JsonObject { ["connection"] = connection.Connection }.With("scopes", connection.Scopes is { } scopes ? WireJson.Texts(scopes) : null);

    private static AgentPolicy? ReadPolicy(BodyReader body)
    {
        var policy = new AgentPolicy
        {
            Connections = body.Has("connections") && !body.IsNull("connections")
                ? body.Objects<AgentConnection>("connections", [], AgentPolicy.MostConnections, ReadConnection)
                : null,
            MaxLifetime = body.Number("max_lifetime", 0, 0, 1, LongestLifetime),
            Approval = body.OneOf("approval", "", "", AgentPolicy.Required) is { Length: > 0 } approval ? approval : null,
        };
        if (policy.Connections is { } connections && connections.DistinctBy(item => item.Connection, StringComparer.Ordinal).Count() != connections.Count)
        {
            body.Refuse("A connection is listed once", "connections");
        }

        return policy;
    }

    private static AgentConnection ReadConnection(BodyReader body) => new()
    {
        Connection = body.RequiredText("connection", "", 128),
        Scopes = body.Has("scopes") && !body.IsNull("scopes")
            ? body.Texts("scopes", [], AgentPolicy.MostScopes, scope => Scope.IsToken(scope) ? null : "Not a scope (RFC 6749 §3.3)")
            : null,
    };

    private static TokenExchangeSettings? ReadExchange(BodyReader body)
    {
        var types = body.Texts("allow_any_profile_of_type", [], 2, type =>
            type is TokenExchangeSettings.Custom or TokenExchangeSettings.OnBehalfOf ? null : $"No enum match for: {OAuthError.Shown(type)}");
        return new TokenExchangeSettings
        {
            AllowAnyProfileOfType = types,
            AllowImpersonation = body.Flag("allow_impersonation", current: false, fallback: false),
        };
    }
}
