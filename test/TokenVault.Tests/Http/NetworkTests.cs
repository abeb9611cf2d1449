using System.Net;
using FsCheck;
using FsCheck.Fluent;
using TokenVault.Server.Http;

namespace TokenVault.Tests.Http;

public sealed class NetworkTests
{
    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1")]
    [InlineData("0.0.0.0", "0.0.0.0")]
    [InlineData("255.255.255.255", "255.255.255.255")]
    [InlineData("::1", "::1")]
    [InlineData("2001:DB8::1", "2001:db8::1")]
    [InlineData("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8")]
    [InlineData("::ffff:10.1.2.3", "10.1.2.3")]
    [InlineData("::ffff:a01:203", "10.1.2.3")]
    [InlineData("64:ff9b::10.1.2.3", "64:ff9b::a01:203")]
    public void T_PW_05_an_address_in_its_plain_spelling_is_read(string text, string expected)
    {
        StrictIPAddress.TryParse(text, out var address).ShouldBeTrue();
        address!.ToString().ShouldBe(expected);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("127.1")]
    [InlineData("127.0.1")]
    [InlineData("0x7f.1")]
    [InlineData("0x7f000001")]
    [InlineData("2130706433")]
    [InlineData("0177.0.0.1")]
    [InlineData("010.0.0.1")]
    [InlineData("127.0.0.01")]
    [InlineData("127.0.0.256")]
    [InlineData("127.0.0.1.")]
    [InlineData(".127.0.0.1")]
    [InlineData("127..0.1")]
    [InlineData("127.0.0.1.1")]
    [InlineData(" 127.0.0.1")]
    [InlineData("127.0.0.1 ")]
    [InlineData("+127.0.0.1")]
    [InlineData("127.0.0.-1")]
    [InlineData("127.0.0.1%0")]
    [InlineData("①②⑦.0.0.1")]
    [InlineData("١٢٧.0.0.1")]
    [InlineData("fe80::1%eth0")]
    [InlineData("fe80::1%1")]
    [InlineData("[::1]")]
    [InlineData("::1/128")]
    [InlineData("[::1]:80")]
    [InlineData(":::1")]
    [InlineData("1::2::3")]
    [InlineData("1:2:3:4:5:6:7")]
    [InlineData("1:2:3:4:5:6:7:8:9")]
    [InlineData("00001::1")]
    [InlineData("g::1")]
    [InlineData("::ffff:127.1")]
    [InlineData("::ffff:0177.0.0.1")]
    [InlineData("::127.0.0.1:1")]
    [InlineData("localhost")]
    public void T_PW_05_any_other_spelling_of_an_address_is_refused(string? text) => StrictIPAddress.TryParse(text, out _).ShouldBeFalse();

    [Theory]
    [InlineData("10.0.0.0/8", "10.255.255.255", true)]
    [InlineData("10.0.0.0/8", "11.0.0.0", false)]
    [InlineData("10.0.0.0/8", "::ffff:10.1.2.3", true)]
    [InlineData("192.168.4.0/22", "192.168.7.255", true)]
    [InlineData("192.168.4.0/22", "192.168.8.0", false)]
    [InlineData("192.0.2.7", "192.0.2.7", true)]
    [InlineData("192.0.2.7/32", "192.0.2.8", false)]
    [InlineData("0.0.0.0/0", "8.8.8.8", true)]
    [InlineData("0.0.0.0/0", "2001:db8::1", false)]
    [InlineData("2001:db8::/33", "2001:db8:7fff::1", true)]
    [InlineData("2001:db8::/33", "2001:db8:8000::1", false)]
    [InlineData("::1", "::1", true)]
    [InlineData("::/0", "10.0.0.1", false)]
    [InlineData("::ffff:10.0.0.0/104", "10.9.9.9", true)]
    [InlineData("::ffff:10.0.0.0/104", "11.0.0.0", false)]
    [InlineData("::ffff:0.0.0.0/96", "8.8.8.8", true)]
    public void T_PW_05_a_network_contains_its_addresses_and_no_others(string network, string address, bool contained)
    {
        Network.TryParse(network, out var parsed).ShouldBeTrue();
        parsed!.Contains(IPAddress.Parse(address.AsSpan())).ShouldBe(contained);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("/8")]
    [InlineData("10.0.0.1/8")]
    [InlineData("10.0.0.0/33")]
    [InlineData("10.0.0.0/-1")]
    [InlineData("10.0.0.0/+8")]
    [InlineData("10.0.0.0/08")]
    [InlineData("10.0.0.0/")]
    [InlineData("10.0.0.0/8/8")]
    [InlineData("10.0.0.0/ 8")]
    [InlineData("10/8")]
    [InlineData("10.0.0.0/255.0.0.0")]
    [InlineData("010.0.0.0/8")]
    [InlineData("2001:db8::1/32")]
    [InlineData("::/129")]
    [InlineData("::ffff:10.0.0.0/95")]
    [InlineData("::ffff:10.0.0.0/8")]
    [InlineData("fe80::%1/64")]
    [InlineData("localhost/32")]
    public void T_PW_05_a_network_that_leaves_room_for_a_guess_is_refused(string? text) => Network.TryParse(text, out _).ShouldBeFalse();

    /// <summary>Against a reference that knows only numbers: an address lies in a network when the leading bits are the same.</summary>
    [Fact]
    public void T_PW_05_what_lies_in_a_network_is_what_arithmetic_says()
    {
        var (inside, outside) = (0, 0);
        var seeds = Arb.From(Gen.Choose(0, int.MaxValue - 1));
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll(seeds, seed =>
        {
            var random = new Random(seed);
            var width = random.Next(2) == 0 ? 32 : 128;
            var prefix = random.Next(width + 1);
            var network = Bits(random, width) & Mask(width, prefix);

            // Near the network, or else hardly any address would lie in it.
            var address = network ^ (random.Next(3) == 0 ? Bits(random, width) : Bits(random, width) >> Math.Max(0, prefix - random.Next(2)));
            var expected = (address & Mask(width, prefix)) == network;
            (inside, outside) = expected ? (inside + 1, outside) : (inside, outside + 1);

            Network.TryParse($"{Address(network, width)}/{prefix}", out var parsed).ShouldBeTrue();
            var plain = Address(address, width);
            var mapped = width == 32 ? plain.MapToIPv6() : plain;
            return parsed!.Contains(plain) == expected && parsed.Contains(mapped) == expected
                && Network.TryParse($"{Address(address, width)}/{prefix}", out _) == ((address & ~Mask(width, prefix) & Mask(width, width)) == 0);
        }));
        inside.ShouldBeGreaterThan(300);
        outside.ShouldBeGreaterThan(300);
    }

    private static UInt128 Bits(Random random, int width) => new UInt128((ulong)random.NextInt64(long.MinValue, long.MaxValue), (ulong)random.NextInt64(long.MinValue, long.MaxValue)) >> (128 - width);

    private static UInt128 Mask(int width, int prefix) => prefix == 0 ? 0 : (UInt128.MaxValue >> (128 - width)) & ~((UInt128.One << (width - prefix)) - 1);

    private static IPAddress Address(UInt128 bits, int width)
    {
        var bytes = new byte[width / 8];
        for (var i = bytes.Length - 1; i >= 0; i--, bits >>= 8)
        {
            bytes[i] = (byte)bits;
        }

        return new IPAddress(bytes);
    }
}
