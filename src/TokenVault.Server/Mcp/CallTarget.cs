using System.Diagnostics.CodeAnalysis;
using TokenVault.Server.Connections;
using TokenVault.Server.Http;

namespace TokenVault.Server.Mcp;

/// <summary>
/// Whether a user's token may go to an address. Only an address that is spelled as every parser reads it, and that begins with one of the
/// operator's base URLs: no dot segment, escape or other spelling leads out of it (T-UP-10, T-MG-04).
/// </summary>
internal static class CallTarget
{
    /// <summary>
    /// What another parser might take for a separator, once it has decoded it, or decoded it again; or for the end of the path; or what is a dot or
    /// a slash in UTF-8 that is too long (RFC 3629 §10).
    /// </summary>
    private static readonly string[] Tricks = ["%2f", "%5c", "%2e", "%25", "//", ";", "%0", "%1", "%7f", "%c0", "%c1", "%e0%80", "%f0%80"];

    public static bool TryParse(string? text, IEnumerable<string> baseUrls, [NotNullWhen(true)] out Uri? url, out string problem)
    {
        if (Problem(text, out url) is { } wrong)
        {
            problem = wrong;
            return false;
        }

        var allowed = baseUrls.Any(permitted => text!.StartsWith(permitted, StringComparison.Ordinal));
        problem = allowed ? "" : "is not under an address that the operator allows for this connection";
        url = allowed ? url : null;
        return allowed;
    }

    /// <summary>What is wrong with a setting; null when nothing is.</summary>
    public static string? BaseProblem(string text)
    {
        if (Problem(text, out var url) is { } problem)
        {
            return problem;
        }

        if (url.Scheme != Uri.UriSchemeHttps && !WebUri.IsLoopback(url.Host))
        {
            return "must begin with https:// unless its host is a loopback one";
        }

        return text.EndsWith('/') && url.Query.Length == 0 ? null : "must end with a slash, and have no query";
    }

    private static string? Problem(string? text, out Uri url)
    {
        url = new Uri("about:blank");
        if (!UpstreamUrl.TryParse(text, out var parsed, out var problem))
        {
            return problem;
        }

        if (Tricks.Any(trick => parsed.AbsolutePath.Contains(trick, StringComparison.OrdinalIgnoreCase)))
        {
            return "has a path that can be read in more than one way";
        }

        url = parsed;
        return parsed.AbsoluteUri == text ? null : "is not spelled in the plain way: write it without dot segments, default port or unescaped characters";
    }
}
