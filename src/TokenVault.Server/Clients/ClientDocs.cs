using System.Text.Json.Nodes;
using TokenVault.Server.Http;
using TokenVault.Server.Http.OpenApi;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Clients;

/// <summary>What the API reference says of this slice's endpoints.</summary>
internal static class ClientDocs
{
    private const string ClientId = "5aB0cD1eF2gH3iJ4kL5mN6oP7qR8sT9u";
    private const string Audience = "https://calendar.example/api";

    private static readonly DateTimeOffset At = new(2026, 11, 21, 9, 30, 0, TimeSpan.Zero);

    private static readonly Client ExampleClient = new()
    {
        ClientId = ClientId,
        Name = "Calendar assistant",
        Description = "Plans meetings",
        LogoUri = "https://app.example/logo.png",
        ResourceServerIdentifier = Audience,
        Callbacks = ["https://app.example/callback"],
        AllowedLogoutUrls = ["https://app.example"],
        WebOrigins = ["https://app.example"],
        AllowedOrigins = ["https://app.example"],
        GrantTypes = [Wire.AuthorizationCode, Wire.RefreshToken, Wire.FederatedExchange],
        RefreshToken = new RefreshTokenSettings { Policies = [new RefreshTokenPolicy { Audience = Audience, Scope = ["read:calendar"] }] },
        TokenEndpointAuthMethod = Clients.Client.PrivateKeyJwt,
        Credentials = [ClientCredentialDocs.Example],
        AuthenticationCredentials = [ClientCredentialDocs.Example.Id],
        PrivilegedAccess = new PrivilegedAccess
        {
            Credentials = [ClientCredentialDocs.Example.Id],
            IpAllowlist = ["203.0.113.7", "2001:db8::/48"],
            Grants = [new PrivilegedGrant { Connection = "google-oauth2", Scopes = ["https://www.googleapis.com/auth/calendar.readonly"] }],
            RequestsPerMinute = 60,
            UsersPerHour = 500,
        },
        TokenExchange = new TokenExchangeSettings { AllowAnyProfileOfType = [TokenExchangeSettings.OnBehalfOf], AllowImpersonation = true },
        AgentPolicy = new AgentPolicy
        {
            Connections = [new AgentConnection { Connection = "google-oauth2", Scopes = ["https://www.googleapis.com/auth/calendar.readonly"] }],
            MaxLifetime = 600,
            Approval = AgentPolicy.Required,
        },
        ClientMetadata = new JsonObject { ["team"] = "assistants" },
        CreatedAt = At,
        UpdatedAt = At,
        Version = 1,
    };

    public static Noun Client { get; } = new("a client", "clients", "clients", ClientView.Of(ExampleClient))
    {
        New = body =>
        {
            ClientBody.ReadSecret(body);
            ClientBody.Read(body, new Client { ClientId = "", Name = "" }, At);
        },
        NewExample = new JsonObject
        {
            ["name"] = "Calendar assistant",
            ["app_type"] = "regular_web",
            ["callbacks"] = WireJson.Texts(["https://app.example/callback"]),
            ["grant_types"] = WireJson.Texts([Wire.AuthorizationCode, Wire.RefreshToken, Wire.FederatedExchange]),
        },
        Change = body =>
        {
            ClientBody.ReadSecret(body);
            ClientBody.Read(body, ExampleClient, At);
        },
        ChangeExample = new JsonObject { ["callbacks"] = WireJson.Texts(["https://app.example/callback"]) },
        Shown = ClientView.Of(ExampleClient, "shown once, at creation and at rotation"),
        Filters =
        [
            ("app_type", "Kinds of application, separated by commas."),
            ("is_first_party", "Whether first-party clients are meant."),
            ("is_global", "No client of this server is global: true finds none."),
        ],
    };

    public static Operation RotateSecret { get; } = new("Give a client a new secret")
    {
        Description = "The old one stops working at once.",
        Answer = ClientView.Of(ExampleClient, "shown once, at creation and at rotation"),
        Guarded = true,
        Refusals = [409],
    };

    private static readonly ClientGrant ExampleGrant = new()
    {
        Id = "cgr_5aB0cD1eF2gH3iJ4",
        ClientId = ClientId,
        Audience = Audience,
        Scope = ["read:calendar"],
        SubjectType = "user",
        Version = 1,
    };

    public static Noun Grant { get; } = new("a client grant", "client grants", "client_grants", ClientGrantEndpoints.View(ExampleGrant))
    {
        Fields = false,
        New = body => ClientGrantEndpoints.ReadNew(body),
        NewExample = new JsonObject
        {
            ["client_id"] = ClientId,
            ["audience"] = Audience,
            ["scope"] = WireJson.Texts(["read:calendar"]),
            ["subject_type"] = "user",
        },
        Change = body => ClientGrantEndpoints.ReadScope(body, ExampleGrant.Scope),
        ChangeExample = new JsonObject { ["scope"] = WireJson.Texts(["read:calendar"]) },
        Filters =
        [
            ("client_id", "Grants of this client."),
            ("audience", "Grants for this API."),
            ("subject_type", "client or user."),
            ("allow_any_organization", "There are no organizations: true finds none."),
            ("default_for", "There are no default grants: any value finds none."),
        ],
    };

    private static readonly ResourceServer ExampleApi = new()
    {
        Id = "65f0a1b2c3d4e5f6a7b8c9d0",
        Name = "Calendar",
        Identifier = Audience,
        Scopes = [new ApiScope { Value = "read:calendar", Description = "Read the calendar" }],
        AllowOfflineAccess = true,
        ProofOfPossession = new ProofOfPossession { Mechanism = ProofOfPossession.Dpop, Required = false },
        Version = 1,
    };

    public static Noun Api { get; } = new("an API", "APIs", "resource_servers", ResourceServerView.Of(ExampleApi))
    {
        New = body => ResourceServerBody.Read(body, new ResourceServer { Id = "", Name = "", Identifier = "" }),
        NewExample = new JsonObject
        {
            ["name"] = "Calendar",
            ["identifier"] = Audience,
            ["scopes"] = new JsonArray(new JsonObject { ["value"] = "read:calendar", ["description"] = "Read the calendar" }),
        },
        Change = body => ResourceServerBody.Read(body, ExampleApi),
        ChangeExample = new JsonObject { ["allow_offline_access"] = true },
        Filters = [("identifiers", "APIs with exactly this identifier; may be repeated."), ("identifier", "The same, as the setup tool writes it.")],
    };
}
