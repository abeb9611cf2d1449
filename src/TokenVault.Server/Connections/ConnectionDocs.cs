using System.Text.Json.Nodes;
using TokenVault.Server.Http.OpenApi;

namespace TokenVault.Server.Connections;

/// <summary>What the API reference says of this slice's endpoints.</summary>
internal static class ConnectionDocs
{
    private const string ClientId = "5aB0cD1eF2gH3iJ4kL5mN6oP7qR8sT9u";

    private static readonly Connection Example = new()
    {
        Id = "con_5aB0cD1eF2gH3iJ4",
        Name = "calendar",
        DisplayName = "Calendar",
        Strategy = "oidc",
        Options = new ConnectionOptions
        {
            ClientId = "client-id-at-provider",
            Scope = ["openid", "offline_access", "calendar.read"],
            AuthorizationUrl = "https://provider.example/authorize",
            TokenUrl = "https://provider.example/token",
            UserInfoUrl = "https://provider.example/userinfo",
            RevocationUrl = "https://provider.example/revoke",
            JwksUri = "https://provider.example/jwks",
            DiscoveryUrl = "https://provider.example/.well-known/openid-configuration",
            Issuer = "https://provider.example",
            TokenEndpointAuthMethod = "client_secret_post",
            RotationClass = RotationClass.Stable,
            Downscope = Downscope.Refresh,
            Pkce = true,
            UpstreamParams = new JsonObject { ["prompt"] = new JsonObject { ["value"] = "consent" } },
        },
        EnabledClients = [ClientId],
        AuthenticationActive = true,
        ConnectedAccountsActive = true,
        Approval = new ConnectionApproval { Scopes = ["calendar.write"], ValidFor = 600 },
        Metadata = new JsonObject { ["team"] = "assistants" },
        Version = 1,
    };

    public static Noun Noun(ProviderCatalog catalog, string issuer) => new("a connection", "connections", "connections", ConnectionView.Of(Example, issuer))
    {
        New = body => ConnectionBody.Read(body, Example with { Name = "", Version = 0 }, catalog, issuer, _ => []),
        NewExample = new JsonObject
        {
            ["name"] = "calendar",
            ["strategy"] = "oidc",
            ["options"] = new JsonObject
            {
                ["client_id"] = "client-id-at-provider",
                ["client_secret"] = "secret-at-provider",
                ["discovery_url"] = "https://provider.example/.well-known/openid-configuration",
                ["scope"] = "openid offline_access calendar.read",
            },
            ["connected_accounts"] = new JsonObject { ["active"] = true },
        },
        Change = body => ConnectionBody.Read(body, Example, catalog, issuer, _ => []),
        ChangeExample = new JsonObject { ["connected_accounts"] = new JsonObject { ["active"] = true } },
        Filters = [("strategy", "Connections of this strategy; may be repeated."), ("name", "The connection of this name.")],
    };

    public static Operation Clients { get; } = new("List the clients that may use a connection")
    {
        Answer = new JsonObject { ["client_id"] = ClientId },
        List = "clients",
        CheckpointOnly = true,
        Fields = true,
    };

    public static Operation ChangeClients { get; } = new("Let clients use a connection, or stop them")
    {
        Status = 204,
        ArrayBody = true,
        Body = item => ConnectionClientEndpoints.ReadChange(item),
        BodyExample = new JsonArray(new JsonObject { ["client_id"] = ClientId, ["status"] = true }),
        Guarded = true,
        Refusals = [409],
    };

    public static Operation Check { get; } = new("Look whether the server reaches a connection's provider")
    {
        Description =
            "Each address of the provider is asked once, from where the server is and through its egress guard, by a request without any secret. problem is "
            + "dns, refused, tls, timeout, egress (the server's own rules), broken, status, metadata or configuration. It takes ten seconds at most.",
        Answer = ConnectionCheckEndpoint.View(
        [
            new ProbedUrl("discovery_url", "https://provider.example/.well-known/openid-configuration", Status: 200),
            new ProbedUrl("token_endpoint", "https://provider.example/token", Status: 503, ProbedUrl.UnusableStatus, "token_endpoint answered 503"),
        ]),
    };

    private static readonly JsonArray TwoKeys = new(KeyExample(), KeyExample());

    public static Operation Keys { get; } = new("List the keys that a connection proves itself to its provider with")
    {
        Description = "Their public halves: the one that signs, and the one that will after the next rotation. Register both at the provider.",
        Answer = TwoKeys.DeepClone(),
    };

    public static Operation CreateKeys { get; } = new("Create the keys of a connection")
    {
        Description = "Before the connection uses private_key_jwt, so that the provider can learn of them first. Without this they are made when it begins to.",
        Status = 201,
        Answer = TwoKeys.DeepClone(),
        Body = body => ConnectionKeyEndpoints.ReadAlg(body),
        BodyExample = new JsonObject { ["signing_alg"] = "ES256" },
        Guarded = true,
        Refusals = [409],
    };

    public static Operation RotateKeys { get; } = CreateKeys with
    {
        Summary = "Rotate the keys of a connection",
        Description = "The next key signs from now on, and there is a new next one.",
        BodyExample = new JsonObject { ["signing_alg"] = "RS256" },
    };

    private static JsonObject KeyExample() => new()
    {
        ["kid"] = "3J5Vm2bQ0kLh9oV3r1x8yZ6wT4uN7cA2sD5fG8hJ0kL",
        ["algorithm"] = "RS256",
        ["key_use"] = "signing",
        ["current"] = true,
        ["next"] = false,
        ["previous"] = false,
        ["jwk"] = new JsonObject { ["kty"] = "RSA", ["n"] = "sXch…", ["e"] = "AQAB", ["use"] = "sig", ["alg"] = "RS256", ["kid"] = "3J5Vm2bQ0kLh9oV3r1x8yZ6wT4uN7cA2sD5fG8hJ0kL" },
        ["cert"] = "-----BEGIN CERTIFICATE-----…",
        ["pkcs"] = "-----BEGIN PKCS7-----…",
        ["fingerprint"] = "AB:CD:…",
        ["thumbprint"] = "ABCD…",
        ["subject_dn"] = "CN=con_5aB0cD1eF2gH3iJ4",
        ["current_since"] = "2026-11-21T09:30:00.000Z",
    };

    public static Operation OfClient(string issuer) => new("List the connections that a client may use")
    {
        Answer = ConnectionView.Of(Example, issuer),
        List = "connections",
        CheckpointOnly = true,
        Fields = true,
    };
}
