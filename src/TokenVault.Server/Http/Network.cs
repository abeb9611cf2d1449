using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace TokenVault.Server.Http;

/// <summary>
/// A network in CIDR notation, or a single address. Host bits must be zero: <c>10.0.0.1/8</c> is a slip of the pen, and
/// guessing what was meant widens an allow-list.
/// </summary>
internal sealed class Network
{
    private const int MappedPrefix = 96;

    private readonly byte[] _bits;

    private Network(IPAddress address, int prefixLength)
    {
        _bits = address.GetAddressBytes();
        Address = address;
        PrefixLength = prefixLength;
    }

    public IPAddress Address { get; }

    public int PrefixLength { get; }

    public static bool TryParse(string? text, [NotNullWhen(true)] out Network? network)
    {
        network = null;
        var slash = text?.IndexOf('/', StringComparison.Ordinal) ?? -1;
        if (text is null || !StrictIPAddress.TryParse(slash < 0 ? text : text[..slash], out var address))
        {
            return false;
        }

        var width = address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128;
        var prefix = width;
        if (slash >= 0 && !TryParsePrefix(text[(slash + 1)..], out prefix))
        {
            return false;
        }

        // An IPv4-mapped network is the IPv4 network it stands for.
        var mapped = width == 32 && text.Contains(':', StringComparison.Ordinal);
        prefix = mapped && slash >= 0 ? prefix - MappedPrefix : prefix;
        if (prefix < 0 || prefix > width || HasHostBits(address.GetAddressBytes(), prefix))
        {
            return false;
        }

        network = new Network(address, prefix);
        return true;
    }

    /// <exception cref="FormatException">The text is no network; for constants of the code.</exception>
    public static Network Parse(string text) =>
        TryParse(text, out var network) ? network : throw new FormatException($"'{text}' is not a network in CIDR notation.");

    /// <summary>Whether the address lies in it; an IPv4-mapped IPv6 address counts as the IPv4 address it is.</summary>
    public bool Contains(IPAddress address)
    {
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        if (plain.AddressFamily != Address.AddressFamily)
        {
            return false;
        }

        var bits = plain.GetAddressBytes();
        var whole = PrefixLength / 8;
        var rest = PrefixLength % 8;
        if (!bits.AsSpan(0, whole).SequenceEqual(_bits.AsSpan(0, whole)))
        {
            return false;
        }

        return rest == 0 || ((bits[whole] ^ _bits[whole]) >> (8 - rest)) == 0;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Address}/{PrefixLength}");

    private static bool TryParsePrefix(string text, out int prefix)
    {
        prefix = 0;
        var canonical = text.Length is > 0 and <= 3 && (text.Length == 1 || text[0] != '0');
        return canonical && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out prefix);
    }

    private static bool HasHostBits(byte[] bits, int prefix)
    {
        for (var bit = prefix; bit < bits.Length * 8; bit++)
        {
            if ((bits[bit / 8] & (0x80 >> (bit % 8))) != 0)
            {
                return true;
            }
        }

        return false;
    }
}
