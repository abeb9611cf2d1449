using System.Text.Json;

namespace TokenVault.Server.Users;

/// <summary>What a user's scopes tell about them (OpenID Connect Core §5.4), the same in ID tokens and at the userinfo endpoint.</summary>
internal static class UserClaims
{
    public static void WriteTo(Utf8JsonWriter writer, User user, IReadOnlyList<string> scopes)
    {
        writer.WriteString("sub", user.UserId);
        if (scopes.Contains("profile"))
        {
            Write(writer, "name", user.Name ?? user.Email ?? user.Username);
            Write(writer, "given_name", user.GivenName);
            Write(writer, "family_name", user.FamilyName);
            Write(writer, "nickname", user.Nickname ?? user.Username ?? user.Email?.Split('@')[0]);
            Write(writer, "picture", user.Picture);
            writer.WriteString("updated_at", user.UpdatedAt.UtcDateTime);
        }

        if (scopes.Contains("email") && user.Email is not null)
        {
            writer.WriteString("email", user.Email);
            writer.WriteBoolean("email_verified", user.EmailVerified);
        }
    }

    private static void Write(Utf8JsonWriter writer, string name, string? value)
    {
        if (value is not null)
        {
            writer.WriteString(name, value);
        }
    }
}
