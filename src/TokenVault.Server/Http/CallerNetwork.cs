using System.Net;
using System.Net.Sockets;

namespace TokenVault.Server.Http;

/// <summary>
/// Whom a limit counts: an IPv4 address, or the /64 around an IPv6 one. A subscriber is given a whole /64 at least (RFC 6177), and
/// whoever may choose among 2^64 addresses is limited by none of them.
/// </summary>
internal static class CallerNetwork
{
    private const int HostBytes = 8;

    public static string Of(HttpContext context) => context.Connection.RemoteIpAddress is { } address ? Of(address) : "";

    public static string Of(IPAddress address)
    {
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        if (plain.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return plain.ToString();
        }

        var bytes = plain.GetAddressBytes();
        bytes.AsSpan(HostBytes).Clear();
        return new IPAddress(bytes) + "/64";
    }
}
