using System.Text.Json.Nodes;
using TokenVault.Server.Http;

namespace TokenVault.Server.Users;

/// <summary>A user on the wire: no password, and no token of any provider (T-MG-01).</summary>
internal static class UserView
{
    public static JsonObject Of(User user)
    {
        var json = new JsonObject
        {
            ["user_id"] = user.UserId,
            ["email_verified"] = user.EmailVerified,
            ["blocked"] = user.Blocked,
            ["identities"] = new JsonArray(new JsonObject
            {
                ["connection"] = user.Connection,
                ["user_id"] = user.UserId[(user.UserId.IndexOf('|') + 1)..],
                ["provider"] = user.UserId[..Math.Max(user.UserId.IndexOf('|'), 0)],
                ["isSocial"] = false,
            }),
            ["created_at"] = WireJson.Date(user.CreatedAt),
            ["updated_at"] = WireJson.Date(user.UpdatedAt),
        };
        return json
            .With("email", user.Email)
            .With("username", user.Username)
            .With("name", user.Name)
            .With("given_name", user.GivenName)
            .With("family_name", user.FamilyName)
            .With("nickname", user.Nickname)
            .With("picture", user.Picture)
            .With("user_metadata", user.UserMetadata?.DeepClone())
            .With("app_metadata", user.AppMetadata?.DeepClone());
    }
}
