using System.Diagnostics.CodeAnalysis;
using TokenVault.Server.Http;

namespace TokenVault.Server.Connections;

/// <summary>
/// An address that the server itself calls or sends a browser to at a provider. Only the plain spelling of a host is taken:
/// what one parser reads as a name and another as <c>127.0.0.1</c> (<c>http://①②⑦.⓪.⓪.①/</c>, <c>http://0x7f.1/</c>) never gets as far
/// as the egress guard (T-UP-10).
/// </summary>
internal static class UpstreamUrl
{
    private const int Longest = 2048;

    /// <summary>
    /// Takes https, and http as well: whether plain HTTP may be spoken depends on the address connected to, which only
    /// <see cref="EgressGuard"/> knows.
    /// </summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out Uri? url, out string problem)
    {
        url = null;
        problem = Problem(text);
        if (problem.Length > 0 || !Uri.TryCreate(text, UriKind.Absolute, out var parsed))
        {
            problem = problem.Length > 0 ? problem : "is not an absolute URL";
            return false;
        }

        if (!string.Equals(HostIn(text!), parsed.Host, StringComparison.OrdinalIgnoreCase))
        {
            problem = "does not name its host in the plain way";
            return false;
        }

        url = parsed;
        return true;
    }

    private static string Problem(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return "is missing";
        }

        if (text.Length > Longest)
        {
            return "is too long";
        }

        if (text.Any(c => c is <= ' ' or >= '\u007f' or '\\'))
        {
            return "has characters that do not belong in a URL";
        }

        if (!text.StartsWith("https://", StringComparison.Ordinal) && !text.StartsWith("http://", StringComparison.Ordinal))
        {
            return "does not begin with https://";
        }

        if (text.Contains('#', StringComparison.Ordinal))
        {
            return "has a fragment";
        }

        return AuthorityProblem(Authority(text));
    }

    private static string AuthorityProblem(string authority)
    {
        if (authority.AsSpan().IndexOfAny('@', '%') >= 0)
        {
            return "has a user name or an escape in its host";
        }

        var host = HostOf(authority);
        if (host.Length == 0 || host.EndsWith('.'))
        {
            return "has no plain host";
        }

        if (host.StartsWith('['))
        {
            return host.EndsWith(']') && StrictIPAddress.TryParse(host[1..^1], out _) ? "" : "has a host that is no IPv6 address";
        }

        // A last label of digits, or of hexadecimal digits after 0x, is an IPv4 address in somebody's parser (WHATWG URL §3.5).
        var last = host[(host.LastIndexOf('.') + 1)..];
        var looksLikeIPv4 = last.All(char.IsAsciiDigit) || last.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        return looksLikeIPv4 && !StrictIPAddress.TryParse(host, out _) ? "has a host that is no plain IPv4 address" : "";
    }

    private static string HostIn(string text) => HostOf(Authority(text));

    private static string Authority(string text)
    {
        var rest = text[(text.IndexOf("//", StringComparison.Ordinal) + 2)..];
        var end = rest.AsSpan().IndexOfAny('/', '?');
        return end < 0 ? rest : rest[..end];
    }

    private static string HostOf(string authority)
    {
        var colon = authority.LastIndexOf(':');
        return colon > authority.LastIndexOf(']') ? authority[..colon] : authority;
    }
}
