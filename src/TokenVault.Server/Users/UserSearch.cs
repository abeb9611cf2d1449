using System.Buffers;
using TokenVault.Server.Http;

namespace TokenVault.Server.Users;

/// <summary>
/// The part of Auth0's search language that finds a user by what is unique: <c>email:"a@b.example"</c>, <c>user_id:…</c>, <c>username:…</c>.
/// Anything else is refused: to answer a query that was not understood would be to answer with the wrong users.
/// </summary>
internal sealed record UserSearch(string Field, string Value)
{
    private static readonly SearchValues<char> Syntax = SearchValues.Create("\"\\*?()[]{}");

    public static UserSearch? Read(QueryReader query)
    {
        if (query.Text("q") is not { } text)
        {
            return null;
        }

        var colon = text.IndexOf(':');
        var field = colon < 0 ? "" : text[..colon].Trim();
        var value = colon < 0 ? "" : text[(colon + 1)..].Trim();
        var quoted = value.Length >= 2 && value[0] == '"' && value[^1] == '"';
        value = quoted ? value[1..^1] : value;
        var plain = value.Length > 0 && value.AsSpan().IndexOfAny(Syntax) < 0 && (quoted || !value.Any(char.IsWhiteSpace));
        if (plain && field is "email" or "username" or "user_id")
        {
            return new UserSearch(field, value);
        }

        query.Refuse("Only email:\"…\", username:\"…\" and user_id:\"…\" can be searched for", "q");
        return null;
    }
}
