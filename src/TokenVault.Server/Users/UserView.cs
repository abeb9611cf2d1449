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
            ["identities"] = Identities(user),
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

    /// <summary>The main identity first; those that were linked carry their own profile.</summary>
    public static JsonArray Identities(User user) =>
        WireJson.Array(user.Linked.Select(linked => Identity(linked).With("profileData", Profile(linked.Profile ?? new UserProfile()))).Prepend(Identity(user.Main())));

    private static JsonObject Identity(UserIdentity identity) => new()
    {
        ["connection"] = identity.Connection,
        ["user_id"] = identity.UserId,
        ["provider"] = identity.Provider,
        ["isSocial"] = identity.IsSocial,
    };

    private static JsonObject Profile(UserProfile profile) =>
        new JsonObject()
            .With("email", profile.Email)
            .With("email_verified", profile.Email is null ? null : profile.EmailVerified)
            .With("username", profile.Username)
            .With("name", profile.Name)
            .With("given_name", profile.GivenName)
            .With("family_name", profile.FamilyName)
            .With("nickname", profile.Nickname)
            .With("picture", profile.Picture);
}
