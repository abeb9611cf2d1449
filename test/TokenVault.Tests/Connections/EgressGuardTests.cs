using System.Net;
using System.Net.Sockets;
using TokenVault.Server;
using TokenVault.Server.Connections;

namespace TokenVault.Tests.Connections;

public sealed class EgressGuardTests
{
    private readonly List<IPEndPoint> _dialled = [];
    private int _resolved;

    [Fact]
    public void T_UP_10_The_vectors_are_many() => (UrlVectors.Forbidden.Count, UrlVectors.Public.Count).ShouldSatisfyAllConditions(
        c => c.Item1.ShouldBeGreaterThan(120),
        c => c.Item2.ShouldBeGreaterThan(10));

    [Theory]
    [MemberData(nameof(UrlVectors.Forbidden), MemberType = typeof(UrlVectors))]
    public async Task T_UP_10_No_spelling_of_an_address_leads_inside(string url)
    {
        if (UpstreamUrl.TryParse(url, out var parsed, out var problem))
        {
            var failure = await SendAsync(Guard([]), parsed);
            failure!.Kind.ShouldBe(ProviderFailureKind.NotSent);
        }
        else
        {
            problem.ShouldNotBeEmpty();
        }

        _dialled.ShouldBeEmpty();
    }

    [Theory]
    [MemberData(nameof(UrlVectors.Public), MemberType = typeof(UrlVectors))]
    public async Task T_UP_10_A_public_address_is_connected_to(string url)
    {
        UpstreamUrl.TryParse(url, out var parsed, out _).ShouldBeTrue();
        await SendAsync(Guard([]), parsed!);
        _dialled.ShouldNotBeEmpty();
        _dialled[0].Port.ShouldBe(parsed!.Port);
    }

    [Theory]
    [InlineData("http://127.0.0.1:8080/", "127.0.0.0/8", true)]
    [InlineData("https://127.0.0.1:8080/", "127.0.0.0/8", true)]
    [InlineData("https://intranet.example/", "10.20.0.0/16", true)]
    [InlineData("https://mapped.example/", "127.0.0.1", true)]
    [InlineData("https://[::1]/", "::1", true)]
    [InlineData("https://intranet.example/", "10.30.0.0/16", false)]
    [InlineData("https://localhost/", "127.0.0.0/8", false)]
    [InlineData("https://half.example/", "192.168.0.0/16", false)]
    [InlineData("http://public.example/", "127.0.0.0/8", false)]
    [InlineData("http://public.example/", "93.184.216.0/24", true)]
    public async Task T_UP_10_An_operator_opens_networks_one_by_one(string url, string network, bool open)
    {
        UpstreamUrl.TryParse(url, out var parsed, out _).ShouldBeTrue();
        await SendAsync(Guard([network]), parsed!);
        _dialled.Count.ShouldBe(open ? 1 : 0);
    }

    [Fact]
    public void A_network_that_is_none_stops_the_start() =>
        Should.Throw<FormatException>(() => Guard(["10.0.0.1/8"])).Message.ShouldContain("10.0.0.1/8");

    [Fact]
    public async Task T_UP_12_The_address_connected_to_is_the_one_that_was_checked()
    {
        var answers = new Queue<string>(["93.184.216.34", "127.0.0.1", "93.184.216.34", "127.0.0.1"]);
        var guard = new EgressGuard(new TokenVaultOptions(), TimeProvider.System)
        {
            Resolve = (_, _) =>
            {
                _resolved++;
                return Task.FromResult<IPAddress[]>([IPAddress.Parse(answers.Dequeue().AsSpan())]);
            },
            Dial = RefuseAsync,
        };

        for (var i = 0; i < 4; i++)
        {
            await SendAsync(guard, new Uri("https://rebinding.example/token"));
        }

        _resolved.ShouldBe(4);
        _dialled.Select(e => e.Address.ToString()).ShouldBe(["93.184.216.34", "93.184.216.34"]);
    }

    [Fact]
    public async Task F_37_The_next_checked_address_is_tried_when_one_does_not_answer()
    {
        var failure = await SendAsync(Guard([]), new Uri("https://both.example/token"));
        failure!.Kind.ShouldBe(ProviderFailureKind.NotSent);
        _dialled.Select(e => e.Address.ToString()).ShouldBe(["2606:2800:220:1::1", "93.184.216.34"]);
    }

    [Fact]
    public async Task A_name_that_does_not_resolve_was_not_sent_to()
    {
        var failure = await SendAsync(Guard([]), new Uri("https://nowhere.example/token"));
        failure!.Kind.ShouldBe(ProviderFailureKind.NotSent);
    }

    private EgressGuard Guard(List<string> allowed) =>
        new(new TokenVaultOptions { Egress = { AllowedNetworks = allowed } }, TimeProvider.System)
        {
            Resolve = (host, _) => Task.FromResult<IPAddress[]>([.. UrlVectors.Names.GetValueOrDefault(host, []).Select(a => IPAddress.Parse(a.AsSpan()))]),
            Dial = RefuseAsync,
        };

    private Task<Stream> RefuseAsync(IPEndPoint endPoint, CancellationToken cancellationToken)
    {
        _dialled.Add(endPoint);
        throw new SocketException((int)SocketError.ConnectionRefused);
    }

    private static async Task<ProviderFailure?> SendAsync(EgressGuard guard, Uri url)
    {
        using var http = new UpstreamHttp(guard, TimeProvider.System);
        using var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new StringContent("refresh_token=secret") };
        var (answer, failure) = await http.SendAsync(request, UpstreamHttp.DefaultLimit, CancellationToken.None);
        answer.ShouldBeNull();
        return failure;
    }
}
