using System.Net;
using System.Net.Sockets;
using TokenVault.Server;
using TokenVault.Server.Connections;

namespace TokenVault.Tests.Connections;

/// <summary>What stands between the server and a provider is told apart, and nothing inside is touched on the way.</summary>
public sealed class ProviderProbeTests
{
    private static readonly ProviderCatalog Catalog = ProviderCatalog.Load();

    private readonly List<IPEndPoint> _dialled = [];

    [Theory]
    [InlineData("https://nowhere.example", "dns", 0)]
    [InlineData("https://provider.example", "refused", 2)]
    [InlineData("https://silent.example", "timeout", 2)]
    [InlineData("https://cleartext.example", "tls", 2)]
    [InlineData("http://provider.example", "egress", 0)]
    [InlineData("https://metadata.example", "egress", 0)]
    [InlineData("https://half.example", "egress", 0)]
    [InlineData("https://169.254.169.254", "egress", 0)]
    [InlineData("https://0x7f.1", "configuration", 0)]
    [InlineData("https://user:password@provider.example", "configuration", 0)]
    public async Task T_UP_10_each_address_is_told_with_what_stands_in_the_way(string host, string problem, int dialled)
    {
        var probed = await ProbeAsync(new ConnectionOptions { ClientId = "x", AuthorizationUrl = host + "/authorize", TokenUrl = host + "/token" });

        probed.Select(url => url.Name).ShouldBe(["token_endpoint", "authorization_endpoint"]);
        probed.ShouldAllBe(url => url.Problem == problem && url.Status == null);
        _dialled.Count.ShouldBe(dialled);
        (ConnectionCheckEndpoint.View(probed).ToJsonString() + " ").ShouldNotContain("password");
    }

    [Fact]
    public async Task A_connection_that_lacks_something_is_asked_nothing()
    {
        (await ProbeAsync(new ConnectionOptions { ClientId = "x" })).ShouldHaveSingleItem().Problem.ShouldBe("configuration");
        (await ProbeAsync(new ConnectionOptions { AuthorizationUrl = "https://provider.example/", TokenUrl = "https://provider.example/" })).ShouldHaveSingleItem().Detail!.ShouldContain("client_id");
        (await ProbeAsync(new ConnectionOptions { ClientId = "x" }, "no-such-strategy")).ShouldHaveSingleItem().Problem.ShouldBe("configuration");
        (await ProbeAsync(new ConnectionOptions { ClientId = "x" }, "auth0")).ShouldBeEmpty();
        _dialled.ShouldBeEmpty();
    }

    private async Task<IReadOnlyList<ProbedUrl>> ProbeAsync(ConnectionOptions options, string strategy = "oauth2")
    {
        var guard = new EgressGuard(new TokenVaultOptions(), TimeProvider.System) { Resolve = ResolveAsync, Dial = DialAsync };
        using var probe = new ProviderProbe(Catalog, guard, TimeProvider.System);
        return await probe.RunAsync(new Connection { Id = "con_1", Name = "a", Strategy = strategy, Options = options }, CancellationToken.None);
    }

    private static Task<IPAddress[]> ResolveAsync(string host, CancellationToken cancellationToken) => Task.FromResult<IPAddress[]>(host switch
    {
        "nowhere.example" => throw new SocketException((int)SocketError.HostNotFound),
        "metadata.example" => [IPAddress.Parse("169.254.169.254".AsSpan())],
        "half.example" => [IPAddress.Parse("93.184.216.34".AsSpan()), IPAddress.Parse("10.0.0.1".AsSpan())],
        "silent.example" => [IPAddress.Parse("93.184.216.35".AsSpan())],
        "cleartext.example" => [IPAddress.Parse("93.184.216.36".AsSpan())],
        _ => [IPAddress.Parse("93.184.216.34".AsSpan())],
    });

    private Task<Stream> DialAsync(IPEndPoint endPoint, CancellationToken cancellationToken)
    {
        lock (_dialled)
        {
            _dialled.Add(endPoint);
        }

        return endPoint.Address.ToString() switch
        {
            "93.184.216.35" => throw new SocketException((int)SocketError.TimedOut),

            // Somebody who does not speak TLS, and hangs up.
            "93.184.216.36" => Task.FromResult<Stream>(new Cleartext()),
            _ => throw new SocketException((int)SocketError.ConnectionRefused),
        };
    }

    private sealed class Cleartext : MemoryStream
    {
        private readonly MemoryStream _answer = new("HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray());

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => _answer.ReadAsync(buffer, cancellationToken);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => ValueTask.CompletedTask;

        protected override void Dispose(bool disposing)
        {
            _answer.Dispose();
            base.Dispose(disposing);
        }
    }
}
