using System.Net;
using System.Text;
using System.Text.Json;
using TokenVault.Server.Connections.Quirks;
using TokenVault.Server.Keys;

namespace TokenVault.Server.Connections;

/// <summary>A token endpoint's answer (RFC 6749 §5), read with the leniency that real providers need.</summary>
/// <param name="Members">The answer after its quirks: it may also say who the user is.</param>
internal sealed record ProviderTokenResponse(ProviderTokens Tokens, string? IdToken, AnswerMembers Members)
{
    private const string Endpoint = "the token endpoint";
    private const int LongestToken = 16 * 1024;
    private const int LongestKept = 2048;

    public static ProviderResult<ProviderTokenResponse> Read(UpstreamAnswer answer, Provider provider)
    {
        if (TokenAnswerForm.Read(answer.Body, answer.MediaType) is not { } sent)
        {
            var unread = ProviderFailures.Of(Endpoint, answer, code: null, provider);
            return Failed(Unreadable(answer, $"{Endpoint} answered {(int)answer.Status} with neither JSON nor a form") ?? unread);
        }

        var members = KnownQuirks.Apply(provider, sent);
        var code = TokenAnswerErrors.Code(members);
        if (code is not null || answer.Status is not (HttpStatusCode.OK or HttpStatusCode.Created))
        {
            return Failed(ProviderFailures.Of(Endpoint, answer, code, provider));
        }

        if (Token(members, "access_token") is not { } accessToken)
        {
            var none = $"{Endpoint} answered without an access token";
            return Failed(Unreadable(answer, none) ?? new ProviderFailure(ProviderFailureKind.Unavailable, none));
        }

        var refreshToken = Token(members, "refresh_token");
        if (refreshToken is null && IsGiven(members["refresh_token"]))
        {
            // There is one, and it may be the only one that still works: not having understood it must not be taken for its absence.
            return Failed(Unreadable(answer, $"{Endpoint} answered with a refresh token that cannot be one")!);
        }

        var tokens = new ProviderTokens(
            new Secret(accessToken),
            refreshToken is null ? null : new Secret(refreshToken),
            TokenAnswerValues.Scopes(members),
            (TokenAnswerValues.Lifetime(members) ?? provider.AccessTokenLifetime) is { } seconds ? answer.SentAt.AddSeconds(seconds) : null)
        {
            RefreshTokenExpiresAt = TokenAnswerValues.RefreshTokenLifetime(members) is { } life ? answer.SentAt.AddSeconds(life) : null,
            Kept = Kept(provider, members.At),
        };
        return new(new ProviderTokenResponse(tokens, members.Text("id_token"), members), null);
    }

    /// <summary>
    /// What there is of an answer that broke off may be the only copy of the tokens. JSON says itself where it ends: tokens in an object that
    /// came whole are whole. Whatever else came is kept, and decides nothing.
    /// </summary>
    public static ProviderResult<ProviderTokenResponse> ReadBrokenOff(ProviderFailure failure, Provider provider)
    {
        if (failure.BrokenOff is not { } begun)
        {
            return Failed(failure);
        }

        return UpstreamJson.Object(begun.Body) is not null && Read(begun, provider).Value is { } whole
            ? new(whole, null)
            : Failed(Unreadable(begun, failure.Detail) ?? failure);
    }

    /// <summary>What beside the token an application needs to use it.</summary>
    public static IReadOnlyDictionary<string, string> Kept(Provider provider, Func<string, string?> find)
    {
        var kept = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var name in provider.KeptMembers)
        {
            if (find(name) is { Length: <= LongestKept } value && !value.Any(char.IsControl))
            {
                kept[name] = value;
            }
        }

        return kept;
    }

    /// <summary>A success that cannot be read: the tokens may be in it, so it is handed on for safekeeping (F-16).</summary>
    private static ProviderFailure? Unreadable(UpstreamAnswer answer, string detail) =>
        answer.Status is HttpStatusCode.OK or HttpStatusCode.Created
            ? new ProviderFailure(ProviderFailureKind.OutcomeUnknown, detail) { UnreadAnswer = new Secret(Encoding.UTF8.GetString(answer.Body)) }
            : null;

    /// <summary>Null, false and the empty text say that there is none.</summary>
    private static bool IsGiven(JsonElement? token) => token is { } value
        && value.ValueKind is not (JsonValueKind.Null or JsonValueKind.False)
        && !(value.ValueKind == JsonValueKind.String && value.ValueEquals(""u8));

    /// <summary>RFC 6749 appendix A.12: visible ASCII. Anything else could not be sent in a header again.</summary>
    private static string? Token(AnswerMembers answer, string member) =>
        answer.Text(member) is { Length: <= LongestToken } token && token.All(c => c is >= ' ' and <= '~') ? token : null;

    private static ProviderResult<ProviderTokenResponse> Failed(ProviderFailure failure) => new(null, failure);
}
