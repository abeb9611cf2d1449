using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;

namespace TokenVault.Server.Http;

/// <summary>
/// Reads an IP address in its one plain spelling. The platform's parser takes <c>127.1</c>, <c>0x7f.1</c>, <c>2130706433</c>,
/// reads <c>010.0.0.1</c> as octal and accepts zone ids: every one of them a way around an allow-list (T-PW-05, T-UP-10).
/// </summary>
internal static class StrictIPAddress
{
    private const int LongestIPv6 = 45;

    /// <summary>Dotted quad, or IPv6 without zone id. An IPv4-mapped IPv6 address comes back as the IPv4 address it is.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out IPAddress? address)
    {
        address = null;
        if (string.IsNullOrEmpty(text) || text.Length > LongestIPv6)
        {
            return false;
        }

        return text.Contains(':', StringComparison.Ordinal) ? TryParseIPv6(text, out address) : TryParseIPv4(text, out address);
    }

    private static bool TryParseIPv4(ReadOnlySpan<char> text, [NotNullWhen(true)] out IPAddress? address)
    {
        address = null;
        Span<byte> octets = stackalloc byte[4];
        var count = 0;
        foreach (var part in text.Split('.'))
        {
            if (count == octets.Length || !TryParseOctet(text[part], out octets[count]))
            {
                return false;
            }

            count++;
        }

        if (count != octets.Length)
        {
            return false;
        }

        address = new IPAddress(octets);
        return true;
    }

    private static bool TryParseOctet(ReadOnlySpan<char> text, out byte octet)
    {
        octet = 0;
        if (text.Length is 0 or > 3 || (text.Length > 1 && text[0] == '0') || text.ContainsAnyExceptInRange('0', '9'))
        {
            return false;
        }

        return byte.TryParse(text, System.Globalization.NumberStyles.None, provider: null, out octet);
    }

    private static bool TryParseIPv6(string text, [NotNullWhen(true)] out IPAddress? address)
    {
        address = null;
        foreach (var range in text.AsSpan().Split(':'))
        {
            var group = text.AsSpan(range);
            var embedded = range.End.Value == text.Length && group.Contains('.');
            if (embedded ? !TryParseIPv4(group, out _) : !IsGroup(group))
            {
                return false;
            }
        }

        // Only the group count and the place of "::" are left for the platform's parser to judge.
        if (!IPAddress.TryParse(text.AsSpan(), out var parsed) || parsed.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return false;
        }

        address = parsed.IsIPv4MappedToIPv6 ? parsed.MapToIPv4() : parsed;
        return true;
    }

    private static bool IsGroup(ReadOnlySpan<char> group)
    {
        foreach (var c in group)
        {
            if (!char.IsAsciiHexDigit(c))
            {
                return false;
            }
        }

        return group.Length <= 4;
    }
}
