using System.Text.Json.Nodes;
using TokenVault.Server.Http.OpenApi;

namespace TokenVault.Server.Accounts;

/// <summary>What the API reference says of what users have connected.</summary>
internal static class UserAccountDocs
{
    private const string At = "2026-11-21T09:30:00.000Z";

    public static Operation Tokensets { get; } = new("List the tokensets of a user")
    {
        Description = "What is kept of the tokens of providers, without the tokens. last_used_at moves once a day at most.",
        Answer = new JsonArray(new JsonObject
        {
            ["id"] = "fct_6ZqSK7Kj1R8LDZJvSb1tAn",
            ["connection"] = "calendar",
            ["scope"] = "openid calendar.read",
            ["issued_at"] = At,
            ["expires_at"] = At,
            ["last_used_at"] = At,
        }),
    };

    public static Operation DeleteTokenset { get; } = new("Delete a tokenset, and the account that it belongs to") { Status = 204, Refusals = [409] };

    public static Operation Accounts { get; } = new("List the connected accounts of a user")
    {
        Answer = new JsonObject
        {
            ["id"] = "cac_6ZqSK7Kj1R8LDZJvSb1tAn",
            ["connection"] = "calendar",
            ["connection_id"] = "con_5aB0cD1eF2gH3iJ4",
            ["strategy"] = "oidc",
            ["access_type"] = "offline",
            ["scopes"] = new JsonArray("openid", "calendar.read"),
            ["created_at"] = At,
        },
        List = "connected_accounts",
        CheckpointOnly = true,
        Fields = true,
    };

    public static Operation Revocations { get; } = new("List what became of the tokens of a user that were given up")
    {
        Answer = new JsonObject
        {
            ["id"] = "rev_6ZqSK7Kj1R8LDZJvSb1tAn",
            ["connection"] = "calendar",
            ["connected_account_id"] = "cac_6ZqSK7Kj1R8LDZJvSb1tAn",
            ["tokenset_id"] = "fct_6ZqSK7Kj1R8LDZJvSb1tAn",
            ["token_type"] = "refresh_token",
            ["state"] = "revoked",
            ["attempts"] = 1,
            ["problem"] = "",
            ["created_at"] = At,
            ["ended_at"] = At,
        },
        List = "token_revocations",
        CheckpointOnly = true,
        Fields = true,
    };
}
