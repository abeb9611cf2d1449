using System.Globalization;
using System.Text.Json;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Connections.Quirks;

/// <summary>Lifetimes and scopes in the spellings that are seen in token answers. Applied to every provider.</summary>
internal static class TokenAnswerValues
{
    private const double LongestLifetime = 10d * 365 * 24 * 60 * 60;

    /// <summary>
    /// A number, or a text with one. Zero and less say nothing that one could act on, so they count as not said (Mailchimp's 0 means
    /// never); more than ten years as ten.
    /// </summary>
    public static int? Lifetime(AnswerMembers answer) => Seconds(answer, "expires_in");

    /// <summary>Of the refresh token: <c>refresh_token_expires_in</c> as GitHub, Google and LinkedIn say, or Keycloak's <c>refresh_expires_in</c>.</summary>
    public static int? RefreshTokenLifetime(AnswerMembers answer) => Seconds(answer, "refresh_token_expires_in") ?? Seconds(answer, "refresh_expires_in");

    private static int? Seconds(AnswerMembers answer, string member)
    {
        if (answer.At(member) is not { } text
            || !double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds)
            || double.IsNaN(seconds)
            || seconds < 1)
        {
            return null;
        }

        return (int)Math.Min(seconds, LongestLifetime);
    }

    /// <summary>
    /// Under <c>scope</c>, or Bitbucket's <c>scopes</c>: a text with spaces or, as GitHub's and Slack's, commas; Twitch's array. Null when
    /// there is nothing of the kind: then what was asked for was granted (RFC 6749 §5.1).
    /// </summary>
    public static IReadOnlyList<string>? Scopes(AnswerMembers answer) => Scopes(answer, "scope") ?? Scopes(answer, "scopes");

    private static IReadOnlyList<string>? Scopes(AnswerMembers answer, string member)
    {
        if (answer[member] is not { } value)
        {
            return null;
        }

        var scopes = value.ValueKind switch
        {
            JsonValueKind.String when value.ValueEquals(""u8) => [],
            JsonValueKind.String => answer.Text(member) is { } text ? Scope.ParseLenient(text) : null,
            JsonValueKind.Array => UpstreamJson.AsTexts(value),
            _ => null,
        };
        return scopes is null ? null : [.. scopes.Where(Scope.IsToken).Distinct(StringComparer.Ordinal)];
    }
}
