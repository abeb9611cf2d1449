using System.Net;
using System.Net.Sockets;
using TokenVault.Server.Http;

namespace TokenVault.Server.Connections;

/// <summary>
/// Which addresses belong to the public internet, by IANA's special-purpose registries (RFC 6890 and successors). What is not
/// known to be public is not: whole families of IPv6 stay shut until they are handed out.
/// </summary>
internal static class PublicAddress
{
    private static readonly Network[] SpecialIPv4 =
    [
        .. Networks(
            "0.0.0.0/8", // this network, RFC 791
            "10.0.0.0/8", // private, RFC 1918
            "100.64.0.0/10", // carrier-grade NAT, RFC 6598
            "127.0.0.0/8", // loopback, RFC 1122
            "168.63.129.16/32", // a cloud's host agent behind a public-looking address
            "169.254.0.0/16", // link-local and instance metadata, RFC 3927
            "172.16.0.0/12", // private, RFC 1918
            "192.0.0.0/24", // protocol assignments, RFC 6890
            "192.0.2.0/24", // documentation, RFC 5737
            "192.88.99.0/24", // 6to4 relays, RFC 7526
            "192.168.0.0/16", // private, RFC 1918
            "198.18.0.0/15", // benchmarks, RFC 2544
            "198.51.100.0/24", // documentation, RFC 5737
            "203.0.113.0/24", // documentation, RFC 5737
            "224.0.0.0/4", // multicast, RFC 5771
            "240.0.0.0/4"), // reserved and broadcast, RFC 1112, RFC 919
    ];

    // Everything outside is special: loopback, IPv4-compatible, NAT64 (64:ff9b::/96, 64:ff9b:1::/48), discard, ULA,
    // link-local, site-local, multicast.
    private static readonly Network GlobalUnicast = Network.Parse("2000::/3");

    private static readonly Network[] SpecialIPv6 =
    [
        .. Networks(
            "2001::/23", // protocol assignments with Teredo, benchmarks and ORCHID, RFC 2928
            "2001:db8::/32", // documentation, RFC 3849
            "2002::/16", // 6to4 carries any IPv4 address, RFC 3056
            "3fff::/20"), // documentation, RFC 9637
    ];

    public static bool Is(IPAddress address)
    {
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        if (plain.AddressFamily == AddressFamily.InterNetwork)
        {
            return !Array.Exists(SpecialIPv4, n => n.Contains(plain));
        }

        return GlobalUnicast.Contains(plain) && !Array.Exists(SpecialIPv6, n => n.Contains(plain));
    }

    private static IEnumerable<Network> Networks(params string[] texts) => texts.Select(Network.Parse);
}
