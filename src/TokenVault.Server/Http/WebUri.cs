using System.Net;

namespace TokenVault.Server.Http;

/// <summary>
/// URLs that an administrator may store: https, or http on this machine only; nothing that browsers and parsers read differently
/// (T-MG-05). What passes is compared byte by byte ever after, so no normalisation happens here.
/// </summary>
internal static class WebUri
{
    public const int LongestUri = 2048;

    /// <summary>Whether a browser or this server may be sent there.</summary>
    public static bool IsAcceptable(string uri, out string problem)
    {
        problem = Plain(uri) ?? Web(uri) ?? "";
        return problem.Length == 0;
    }

    /// <summary>A scheme, a host and perhaps a port, as browsers write the Origin header.</summary>
    public static bool IsOrigin(string origin, out string problem)
    {
        problem = Plain(origin) ?? Web(origin) ?? "";
        if (problem.Length == 0 && !string.Equals(new Uri(origin).GetLeftPart(UriPartial.Authority), origin, StringComparison.Ordinal))
        {
            problem = "An origin is a lower-case scheme and host, and a port unless it is the scheme's own: no path, no slash at the end";
        }

        return problem.Length == 0;
    }

    /// <summary>RFC 8252 §7.3: the loopback interface, by its addresses (all of 127.0.0.0/8, RFC 1122 §3.2.1.3) or its name.</summary>
    public static bool IsLoopback(string host) =>
        host is "localhost" or "[::1]" || (StrictIPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));

    internal static string? Plain(string uri)
    {
        if (uri.Length is 0 or > LongestUri)
        {
            return $"A URL has 1 to {LongestUri} characters";
        }

        if (!uri.All(c => c is > ' ' and <= '~' and not ('"' or '<' or '>' or '\\' or '^' or '`' or '{' or '|' or '}')))
        {
            return "The URL holds a character that no URL may hold (RFC 3986 §2)";
        }

        return uri.Contains('#') ? "A URL with a fragment cannot be used"
            : uri.Contains('*') ? "Wildcards are not supported: list each URL"
            : null;
    }

    internal static string? Web(string uri)
    {
        var https = uri.StartsWith("https://", StringComparison.Ordinal);
        if (!https && !uri.StartsWith("http://", StringComparison.Ordinal))
        {
            return "The URL must begin with https:// (or http:// on a loopback host)";
        }

        var rest = uri[(https ? "https://" : "http://").Length..];
        var authority = rest[..(rest.IndexOfAny(['/', '?']) is var end and >= 0 ? end : rest.Length)];
        if (authority.Contains('@'))
        {
            return "A URL with user information cannot be used";
        }

        // What is written must be what is reached: 127.1, 0x7f.1 and percent-encoded hosts are other spellings of something.
        if (!Uri.TryCreate(uri, UriKind.Absolute, out var parsed)
            || !string.Equals(HostOf(authority), parsed.Host, StringComparison.OrdinalIgnoreCase)
            || parsed.Host.Length == 0)
        {
            return "The URL has no valid host";
        }

        return https || IsLoopback(parsed.Host) ? null : "The URL must begin with https:// unless its host is a loopback one";
    }

    private static string HostOf(string authority)
    {
        var port = authority.LastIndexOf(':');
        return port < 0 || authority.EndsWith(']') ? authority : authority[..port];
    }
}
