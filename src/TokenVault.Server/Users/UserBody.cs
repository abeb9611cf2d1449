using System.Text.Json.Nodes;
using TokenVault.Server.Http;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Users;

/// <summary>What a body may say about a user, laid over the user there is.</summary>
internal static class UserBody
{
    /// <param name="hash">Makes a password's hash.</param>
    public static User Read(BodyReader body, User current, Func<string, string> hash)
    {
        var isNew = current.Version == 0;
        var connection = body.Text("connection", current.Connection, 128);
        if (!string.Equals(connection, isNew ? Wire.DatabaseConnection : current.Connection, StringComparison.Ordinal))
        {
            var missing = isNew && string.IsNullOrEmpty(connection);
            body.Refuse(missing ? "Missing required property: connection" : "The connection has no users of its own", "connection");
        }

        // Nothing is sent by mail here: only the wish that nothing be sent can be met.
        body.Fixed("verify_email", "false");
        body.Fixed("verify_password", "false");
        var email = ReadEmail(body, current);

        // A new address is unverified, whatever the old one was.
        var verified = current.EmailVerified && string.Equals(email, current.Email, StringComparison.OrdinalIgnoreCase);
        var user = current with
        {
            Connection = isNew ? Wire.DatabaseConnection : current.Connection,
            Email = email,
            EmailVerified = body.Flag("email_verified", verified, fallback: false),
            Username = body.Text("username", current.Username, 128, UsernameProblem),
            Name = body.Text("name", current.Name, 300),
            GivenName = body.Text("given_name", current.GivenName, 150),
            FamilyName = body.Text("family_name", current.FamilyName, 150),
            Nickname = body.Text("nickname", current.Nickname, 300),
            Picture = body.Text("picture", current.Picture, WebUri.LongestUri, PictureProblem),
            Blocked = body.Flag("blocked", current.Blocked, fallback: false),
            UserMetadata = WireJson.Merged(current.UserMetadata, body.Free("user_metadata", current: null, FreeProblem), body.IsNull("user_metadata")),
            AppMetadata = WireJson.Merged(current.AppMetadata, body.Free("app_metadata", current: null, FreeProblem), body.IsNull("app_metadata")),
        };
        if (user.Identity is not null)
        {
            return user;
        }

        if (user.Email is null)
        {
            body.Refuse("Missing required property: email", "");
        }

        return ReadPassword(body, user, isNew, hash);
    }

    /// <summary>Of a user who came from a provider, the address is the provider's to say, and there is no user name and no password.</summary>
    private static string? ReadEmail(BodyReader body, User current)
    {
        if (current.Identity is null)
        {
            return body.Text("email", current.Email, 254, EmailProblem);
        }

        body.Echo("email", current.Email);
        body.Echo("username", current.Username);
        if (body.Has("password"))
        {
            body.Refuse("The connection has no users of its own", "password");
        }

        return current.Email;
    }

    /// <summary>An id of the caller's choice, without the connection's prefix; or a new one.</summary>
    public static string ReadId(BodyReader body) =>
        body.Text("user_id", current: null, 64, IdProblem) is { } id ? "auth0|" + id : Identifier.User();

    private static User ReadPassword(BodyReader body, User user, bool isNew, Func<string, string> hash)
    {
        var password = isNew ? body.RequiredText("password", "", Passwords.Longest) : body.Text("password", current: null, Passwords.Longest);
        if (password is null || body.Failing)
        {
            return user;
        }

        if (Passwords.Problem(password, user.Email, user.Username) is not { } problem)
        {
            return user with { PasswordHash = hash(password) };
        }

        body.Refuse(problem, "password");
        return user;
    }

    private static string? IdProblem(string id) =>
        id.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.') ? null : "An id holds letters, digits, '-', '_' and '.'";

    private static string? FreeProblem(JsonObject metadata) => metadata.Count > 100 ? "Metadata has at most 100 members" : null;

    private static string? EmailProblem(string email)
    {
        var at = email.IndexOf('@');
        var wellFormed = at > 0
            && at == email.LastIndexOf('@')
            && at < email.Length - 1
            && !email.Any(c => char.IsWhiteSpace(c) || c is '<' or '>' or ',' or ';' or '"');
        return wellFormed ? null : $"Object didn't pass validation for format email: {OAuthError.Shown(email)}";
    }

    /// <summary>Without an at sign, so that no user name is another user's address.</summary>
    private static string? UsernameProblem(string username) =>
        username.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '+' or '-' or '.' or '!' or '#' or '$' or '\'' or '^' or '`' or '~')
            ? null
            : "A user name holds letters, digits and _+-.!#$'^`~";

    private static string? PictureProblem(string picture) => WebUri.IsAcceptable(picture, out var problem) ? null : problem;
}
