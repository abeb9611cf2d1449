using System.Globalization;
using System.Text;
using System.Text.Unicode;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing.Patterns;

namespace TokenVault.Server.Http;

/// <summary>
/// Path parameters, percent-decoded exactly once (T-MG-04). The framework leaves <c>%2F</c> as it is and decodes <c>%25</c>, so that
/// <c>%252F</c> and <c>%2F</c> become one; identifiers that are URLs need them apart, so the raw target is read.
/// </summary>
internal static class PathValues
{
    /// <summary>Null when the raw path does not have the shape of the route it was matched to (dot segments, doubled slashes).</summary>
    public static IReadOnlyDictionary<string, string>? Read(HttpContext context)
    {
        var target = context.Features.Get<IHttpRequestFeature>()?.RawTarget;
        return context.GetEndpoint() is RouteEndpoint endpoint && target is not null ? Read(endpoint.RoutePattern, target) : null;
    }

    internal static IReadOnlyDictionary<string, string>? Read(RoutePattern pattern, string rawTarget)
    {
        if (!rawTarget.StartsWith('/'))
        {
            return null;
        }

        var segments = rawTarget.Split('?')[0].Split('/')[1..];
        if (segments.Length != pattern.PathSegments.Count)
        {
            return null;
        }

        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var i = 0; i < segments.Length; i++)
        {
            if (pattern.PathSegments[i].Parts is not [RoutePatternParameterPart parameter])
            {
                continue;
            }

            if (Decode(segments[i]) is not { } value)
            {
                return null;
            }

            values[parameter.Name] = value;
        }

        return values;
    }

    private static string? Decode(string segment)
    {
        var bytes = new byte[segment.Length];
        var length = 0;
        for (var i = 0; i < segment.Length; i++)
        {
            if (segment[i] != '%')
            {
                if (!char.IsAscii(segment[i]))
                {
                    return null;
                }

                bytes[length++] = (byte)segment[i];
                continue;
            }

            var hex = segment.AsSpan(i + 1, Math.Min(2, segment.Length - i - 1));
            if (hex.Length < 2 || !byte.TryParse(hex, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out bytes[length++]))
            {
                return null;
            }

            i += 2;
        }

        // No name of ours holds a control character, and what is no UTF-8 names nothing.
        var utf8 = bytes.AsSpan(0, length);
        return length > 0 && Utf8.IsValid(utf8) && Encoding.UTF8.GetString(utf8) is var value && !value.Any(char.IsControl) ? value : null;
    }
}
