namespace TokenVault.Server.Http;

/// <summary>Redirect URIs as they may be registered (RFC 9700 §2.1, RFC 8252 §7).</summary>
internal static class RedirectUri
{
    /// <param name="native">A native application may also claim a scheme of its own, a reversed domain name (RFC 8252 §7.1).</param>
    /// <param name="problem">What the administrator is told; empty when the URI is fine.</param>
    public static bool IsRegistrable(string uri, bool native, out string problem)
    {
        problem = WebUri.Plain(uri) ?? (native && !IsWeb(uri) ? Custom(uri) : WebUri.Web(uri)) ?? "";
        return problem.Length == 0;
    }

    private static bool IsWeb(string uri) =>
        uri.StartsWith("http:", StringComparison.OrdinalIgnoreCase) || uri.StartsWith("https:", StringComparison.OrdinalIgnoreCase);

    private static string? Custom(string uri)
    {
        const string problem = "A custom scheme is a reversed domain name in lower case, with at least one dot, as in com.example.app:/callback";
        var colon = uri.IndexOf(':');
        if (colon <= 0)
        {
            return problem;
        }

        var labels = uri[..colon].Split('.');
        var reversedDomain = labels.Length >= 2
            && char.IsAsciiLetterLower(labels[0][..Math.Min(1, labels[0].Length)].FirstOrDefault())
            && labels.All(label => label.Length > 0 && label.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '+'));
        if (!reversedDomain || colon == uri.Length - 1)
        {
            return problem;
        }

        return uri.Contains('@') ? "A URL with user information cannot be used" : null;
    }
}
