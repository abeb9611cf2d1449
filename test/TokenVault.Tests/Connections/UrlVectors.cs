namespace TokenVault.Tests.Connections;

/// <summary>Addresses that lead, or try to lead, to where only this host can go (T-UP-10).</summary>
internal static class UrlVectors
{
    /// <summary>Names that resolve to what their last part says, in <c>EgressGuardTests</c>.</summary>
    public static readonly IReadOnlyDictionary<string, string[]> Names = new Dictionary<string, string[]>
    {
        ["localhost"] = ["127.0.0.1", "::1"],
        ["localhost.localdomain"] = ["127.0.0.1"],
        ["metadata.google.internal"] = ["169.254.169.254"],
        ["intranet.example"] = ["10.20.30.40"],
        ["half.example"] = ["93.184.216.34", "10.0.0.1"],
        ["half6.example"] = ["2606:2800:220:1::1", "fd00::1"],
        ["mapped.example"] = ["::ffff:127.0.0.1"],
        ["nat64.example"] = ["64:ff9b::a9fe:a9fe"],
        ["wildcard.nip.example"] = ["192.168.1.1"],
        ["public.example"] = ["93.184.216.34"],
        ["public6.example"] = ["2606:2800:220:1::1"],
        ["both.example"] = ["2606:2800:220:1::1", "93.184.216.34"],
        ["nowhere.example"] = [],
    };

    public static TheoryData<string> Forbidden =>
    [
        .. Hosts.Select(h => $"https://{h}/token"),
        .. Names.Keys.Except(["public.example", "public6.example", "both.example"]).Select(n => $"https://{n}/token"),
        .. Texts,
    ];

    public static TheoryData<string> Public =>
    [
        "https://public.example/token",
        "https://public6.example/token",
        "https://both.example/token",
        "https://both.example:8443/token?tenant=1",
        "https://93.184.216.34/",
        "https://1.1.1.1/",
        "https://8.8.8.8:444/",
        "https://11.0.0.1/",
        "https://100.63.255.255/",
        "https://100.128.0.1/",
        "https://172.15.255.255/",
        "https://172.32.0.1/",
        "https://192.167.255.255/",
        "https://198.20.0.1/",
        "https://223.255.255.255/",
        "https://[2606:2800:220:1::1]/",
        "https://[2a00:1450:4001:82f::200e]/",
        "https://[2001:4860:4860::8888]/",
        "https://[::ffff:8.8.8.8]/",
    ];

    private static readonly string[] Hosts =
    [
        // loopback, this network, private, shared, link-local and metadata
        "127.0.0.1", "127.0.0.1:8443", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255",
        "192.168.0.1", "192.168.255.255", "100.64.0.1", "100.100.100.200", "100.127.255.255", "169.254.0.1", "169.254.169.254",
        "169.254.170.2", "168.63.129.16",

        // protocol assignments, documentation, benchmarks, relays, multicast, reserved, broadcast
        "192.0.0.1", "192.0.0.192", "192.0.2.1", "198.51.100.7", "203.0.113.9", "198.18.0.1", "198.19.255.255", "192.88.99.1",
        "224.0.0.1", "239.255.255.255", "240.0.0.1", "254.1.1.1", "255.255.255.255",

        // the same in other spellings
        "127.1", "127.0.1", "0", "0x7f.1", "0x7f.0.0.1", "0x7f000001", "0X7F000001", "2130706433", "017700000001", "0177.0.0.1", "010.0.0.1",
        "0251.0376.0251.0376", "2852039166", "0xa9fea9fe", "169.254.43518", "127.0.0.1.", "127.000.000.001", "3232235777", "1.2.3.256", "1.2.3.4.5",

        // unicode
        "①②⑦.⓪.⓪.①", "１２７.０.０.１", "127。0。0。1", "127｡0｡0｡1", "localhost。", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "localhost․localdomain", "１６９.254.169.254",
        "pub\u00adlic.example", "public.example\u200b", "xn--bcher-kva.ex\u0430mple",

        // IPv6
        "[::]", "[::1]", "[0:0:0:0:0:0:0:1]", "[::127.0.0.1]", "[::7f00:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:10.0.0.1]",
        "[::ffff:169.254.169.254]", "[0:0:0:0:0:ffff:a9fe:a9fe]", "[::ffff:0:127.0.0.1]", "[64:ff9b::127.0.0.1]", "[64:ff9b::a9fe:a9fe]",
        "[64:ff9b::8.8.8.8]", "[64:ff9b:1::1]", "[2002:7f00:1::]", "[2002:a9fe:a9fe::1]", "[2001::1]", "[2001:0:4136:e378:8000:63bf:3fff:fdd2]",
        "[2001:2::1]", "[2001:10::1]", "[2001:20::1]", "[2001:db8::1]", "[3fff::1]", "[100::1]", "[5f00::1]", "[fc00::1]", "[fd00:ec2::254]",
        "[fdff::1]", "[fe80::1]", "[febf::1]", "[fec0::1]", "[feff::1]", "[ff02::1]", "[ff05::2]", "[4000::1]", "[::2]", "[1::]",
        "[fe80::1%25eth0]", "[fe80::1%eth0]", "[::1%251]", "[::1]:8443", "[::ffff:127.1]", "[1]", "[]", "[::1", "::1",

        // the parts of an authority used against each other
        "public.example@127.0.0.1", "127.0.0.1@public.example", "127.0.0.1#@public.example", "public.example:443@127.0.0.1", "127.0.0.1%00.public.example",
        "%6c%6f%63%61%6c%68%6f%73%74", "127.0.0.1%2f@public.example", "public.example\\@127.0.0.1", "127.0.0.1\\.public.example", "public.example.", ".",
        "", ":443", "public.example:99999", "public.example:-1", "public.example:https", " 127.0.0.1", "127.0.0.1\t", "public.example\r\nHost: internal",
    ];

    private static readonly string[] Texts =
    [
        "http://public.example/token", "http://8.8.8.8/token", "http://127.0.0.1/", "http://[2606:2800:220:1::1]/", "HTTP://127.0.0.1/", "hTTps://127.0.0.1/",
        "ftp://public.example/", "file:///etc/passwd", "gopher://127.0.0.1:6379/_INFO", "dict://127.0.0.1/", "unix:///run/docker.sock", "data:text/plain,x",
        "javascript:alert(1)", "//public.example/token", "/token", "token", "https:/public.example/", "https:public.example",
        "https:\\\\public.example\\", "https://public.example/#fragment", "https://public.example/\u0000", "https://public.example/ü", " https://public.example/",
        "https://public.example/ x", "", "https://", "https://?",
    ];
}
