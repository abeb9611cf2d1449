using TokenVault.Server.Protocol;

namespace TokenVault.Server.Connections.Quirks;

/// <summary>What providers want otherwise in a token request.</summary>
internal static class RequestQuirks
{
    /// <summary>37signals speak a draft of OAuth 2.0 from before there was a <c>grant_type</c>: <c>type=web_server</c>, then <c>type=refresh</c>.</summary>
    public static IReadOnlyDictionary<string, string> BasecampType(IReadOnlyDictionary<string, string> fields)
    {
        var old = fields.Where(field => field.Key != "grant_type").ToDictionary(StringComparer.Ordinal);
        old["type"] = fields.GetValueOrDefault("grant_type") == Wire.RefreshToken ? "refresh" : "web_server";
        return old;
    }

    /// <summary>
    /// Facebook has no refresh tokens, and a code gives an access token of an hour or two; that one is traded for one of sixty days.
    /// </summary>
    public static IReadOnlyDictionary<string, string> FacebookLongLivedToken(string accessToken) =>
        new Dictionary<string, string>(StringComparer.Ordinal) { ["grant_type"] = "fb_exchange_token", ["fb_exchange_token"] = accessToken };
}
