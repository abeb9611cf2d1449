using System.Text.Json.Nodes;
using TokenVault.Server.Http.OpenApi;

namespace TokenVault.Server.Clients;

/// <summary>What the API reference says of refresh tokens, of the tenant's settings and of token exchange profiles.</summary>
internal static class TokenDocs
{
    private static readonly DateTimeOffset At = new(2026, 11, 21, 9, 30, 0, TimeSpan.Zero);

    private static readonly RefreshToken ExampleToken = new()
    {
        Id = "rt_6ZqSK7Kj1R8LDZJvSb1tAn",
        ClientId = "5aB0cD1eF2gH3iJ4kL5mN6oP7qR8sT9u",
        UserId = "auth0|65f0a1b2c3d4e5f6a7b8c9d0",
        SessionId = "sess_6ZqSK7Kj1R8LDZJvSb1tAn",
        Audience = "https://calendar.example/api",
        Scopes = ["read:calendar", "offline_access"],
        HandleHash = "",
        SecretHash = "",
        CreatedAt = At,
        LastExchangedAt = At,
        IdleExpiresAt = At.AddDays(15),
        AbsoluteExpiresAt = At.AddDays(30),
        RefreshTokenMetadata = new JsonObject { ["device"] = "laptop" },
        Version = 1,
    };

    public static Noun RefreshToken { get; } =
        new("a refresh token", "the refresh tokens of a user", "refresh_tokens", RefreshTokenView.Of(ExampleToken))
        {
            CheckpointOnly = true,
            Filters = [("user_id", "Whose tokens; required."), ("client_id", "Those of this client.")],
            Change = body => RefreshTokenBody.Read(body, ExampleToken),
            ChangeExample = new JsonObject { ["refresh_token_metadata"] = new JsonObject { ["device"] = "laptop" } },
        };

    public static Operation OfUser { get; } = RefreshToken.List with { List = "tokens", Query = [] };

    public static Operation Delete { get; } = RefreshToken.Delete with { Status = 202 };

    public static Operation DeleteOfUser { get; } = new("Withdraw the refresh tokens of a user") { Status = 202, Refusals = [409] };

    public static Operation Revoke { get; } = new("Withdraw refresh tokens")
    {
        Description = "By ids, or by user_id, client_id or both; with both, an audience may narrow it.",
        Status = 202,
        Body = body => RefreshTokenBody.ReadRevocation(body, 100),
        BodyExample = new JsonObject { ["user_id"] = ExampleToken.UserId, ["client_id"] = ExampleToken.ClientId },
        Refusals = [409],
    };

    public static Operation RevokeSession { get; } = new("Revoke a session")
    {
        Description = "Ends the session and withdraws the refresh tokens that were issued in it. To end the session alone, delete it.",
        Status = 202,
        Guarded = true,
        Refusals = [409],
    };

    private static readonly TenantSettings ExampleSettings = new()
    {
        FriendlyName = "Example",
        PictureUrl = "https://example.com/logo.png",
        SupportEmail = "help@example.com",
        SupportUrl = "https://example.com/help",
        AllowedLogoutUrls = ["https://example.com"],
        Version = 1,
    };

    public static Noun Settings(TokenVaultOptions options) =>
        new("the tenant's settings", "", "", TenantEndpoints.View(ExampleSettings, options))
        {
            Change = body => TenantSettingsBody.Read(body, ExampleSettings, options),
            ChangeExample = new JsonObject { ["friendly_name"] = "Example" },
        };

    public static Operation Policies { get; } = new("Get the multi-factor policy")
    {
        Description = "When everybody who signs in needs a second factor: an empty list for never, all-applications for always, confidence-score for adaptive. "
            + "While it is always, the Token Vault exchange is refused, unless the operator lets multi-factor sessions through.",
        Answer = new JsonArray(MultiFactorPolicy.Adaptive),
    };

    public static Operation SetPolicies { get; } = Policies with { Summary = "Set the multi-factor policy", Refusals = [400, 409, 413] };

    private static readonly TokenExchangeProfile ExampleProfile = new()
    {
        Id = "tep_5aB0cD1eF2gH3iJ4",
        Name = "Partner",
        SubjectTokenType = "urn:partner:token",
        ActionId = "partner-tokens",
        CreatedAt = At,
        UpdatedAt = At,
        Version = 1,
    };

    public static Noun Profile { get; } =
        new("a token exchange profile", "token exchange profiles", "token_exchange_profiles", TokenExchangeProfileEndpoints.View(ExampleProfile))
        {
            CheckpointOnly = true,
            Fields = false,
            New = body => TokenExchangeProfileEndpoints.Read(body, ExampleProfile with { Name = "", SubjectTokenType = "", Version = 0 }),
            NewExample = new JsonObject
            {
                ["name"] = "Partner",
                ["subject_token_type"] = "urn:partner:token",
                ["action_id"] = "partner-tokens",
                ["type"] = "custom_authentication",
            },
            Change = body => TokenExchangeProfileEndpoints.Read(body, ExampleProfile),
            ChangeExample = new JsonObject { ["name"] = "Partner" },
        };
}
