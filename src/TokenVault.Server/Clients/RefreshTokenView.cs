using System.Text.Json.Nodes;
using TokenVault.Server.Http;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Clients;

/// <summary>What administrators see of a refresh token: whose it is and how long it lives, never a part of the token (T-MG-01).</summary>
internal static class RefreshTokenView
{
    public static JsonObject Of(RefreshToken token)
    {
        var audiences = token.Audience is { } audience
            ? new JsonArray(new JsonObject { ["audience"] = audience, ["scopes"] = Scope.Format(token.Scopes) })
            : new JsonArray();
        return new JsonObject
        {
            ["id"] = token.Id,
            ["user_id"] = token.UserId,
            ["client_id"] = token.ClientId,
            ["rotating"] = token.Rotating,
            ["resource_servers"] = audiences,
            ["created_at"] = WireJson.Date(token.CreatedAt),
        }
            .With("session_id", token.SessionId)
            .With("idle_expires_at", Date(token.IdleExpiresAt))
            .With("expires_at", Date(token.AbsoluteExpiresAt))
            .With("last_exchanged_at", Date(token.LastExchangedAt))
            .With("refresh_token_metadata", token.RefreshTokenMetadata?.DeepClone());
    }

    private static JsonNode? Date(DateTimeOffset? at) => at is { } known ? WireJson.Date(known) : null;
}
