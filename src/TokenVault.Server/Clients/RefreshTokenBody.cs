using System.Text.Json.Nodes;
using TokenVault.Server.Http;

namespace TokenVault.Server.Clients;

/// <summary>What bodies may say about refresh tokens.</summary>
internal static class RefreshTokenBody
{
    private const int MostMetadata = 25;

    public static RefreshToken Read(BodyReader body, RefreshToken current) => current with
    {
        RefreshTokenMetadata = body.Free("refresh_token_metadata", current.RefreshTokenMetadata, MetadataProblem),
    };

    /// <summary>Either ids, or a user, a client, both, or both and an API: any other combination says something else than it means.</summary>
    public static RefreshTokenRevocation ReadRevocation(BodyReader body, int mostIds)
    {
        var wanted = new RefreshTokenRevocation(
            body.Texts("ids", [], mostIds, id => id.Length > 64 ? "Not the id of a refresh token" : null),
            body.Text("user_id", current: null, 300),
            body.Text("client_id", current: null, 64),
            body.Text("audience", current: null, 600));
        var named = wanted.UserId is not null || wanted.ClientId is not null || wanted.Audience is not null;
        if (wanted.Ids.Count > 0 ? named : wanted.UserId is null && wanted.ClientId is null)
        {
            body.Refuse("Expected ids, or user_id, client_id or both", "");
        }

        if (wanted.Audience is not null && (wanted.UserId is null || wanted.ClientId is null))
        {
            body.Refuse("An audience goes with both user_id and client_id", "audience");
        }

        return wanted;
    }

    private static string? MetadataProblem(JsonObject metadata) =>
        metadata.Count > MostMetadata ? $"Metadata has at most {MostMetadata} members" : WireJson.TextsProblem(metadata);
}

/// <summary>Which refresh tokens are to be withdrawn.</summary>
internal sealed record RefreshTokenRevocation(IReadOnlyList<string> Ids, string? UserId, string? ClientId, string? Audience)
{
    /// <summary>Among the tokens of the user.</summary>
    public bool Names(RefreshToken token) =>
        (ClientId is null || string.Equals(token.ClientId, ClientId, StringComparison.Ordinal))
        && (Audience is null || string.Equals(token.Audience, Audience, StringComparison.Ordinal));
}
