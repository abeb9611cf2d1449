namespace TokenVault.Server.Http;

/// <summary>URLs that this server builds.</summary>
internal static class Urls
{
    /// <summary>Appends parameters to a URL's query, keeping what is there.</summary>
    public static string WithQuery(string url, IEnumerable<KeyValuePair<string, string>> parameters)
    {
        var separator = url.Contains('?', StringComparison.Ordinal) ? (url.EndsWith('?') || url.EndsWith('&') ? "" : "&") : "?";
        return url + separator + Encode(parameters);
    }

    public static string WithFragment(string url, IEnumerable<KeyValuePair<string, string>> parameters) => url + "#" + Encode(parameters);

    /// <summary>scheme://host[:port] as a browser writes an origin; null for a URL that has none (a native app's scheme).</summary>
    public static string? Origin(string url) =>
        Uri.TryCreate(url, UriKind.Absolute, out var uri) && uri.Scheme is ("https" or "http")
            ? uri.GetLeftPart(UriPartial.Authority)
            : null;

    /// <summary>What a content security policy calls the place: an origin, or the scheme of a native app.</summary>
    public static string? PolicySource(string url) =>
        Origin(url) ?? (Uri.TryCreate(url, UriKind.Absolute, out var uri) ? uri.Scheme + ":" : null);

    private static string Encode(IEnumerable<KeyValuePair<string, string>> parameters) =>
        string.Join('&', parameters.Select(p => Uri.EscapeDataString(p.Key) + "=" + Uri.EscapeDataString(p.Value)));
}
