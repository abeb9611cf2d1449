using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using System.Text;
using TokenVault.Server;
using TokenVault.Server.Connections;
using TokenVault.Testing;

namespace TokenVault.Tests.Connections;

public sealed class UpstreamHttpTests : IAsyncLifetime
{
    private readonly VaultClock _clock = new();
    private FakeProvider _provider = null!;
    private UpstreamHttp _http = null!;

    public async Task InitializeAsync()
    {
        _provider = await FakeProvider.StartAsync();
        _http = Http(_clock);
    }

    public async Task DisposeAsync()
    {
        _http.Dispose();
        await _provider.DisposeAsync();
    }

    [Theory]
    [InlineData(301)]
    [InlineData(302)]
    [InlineData(303)]
    [InlineData(307)]
    [InlineData(308)]
    public async Task T_UP_11_A_redirect_is_not_followed(int status)
    {
        await using var target = await FakeProvider.StartAsync();
        _provider.Refresh.Next(Fault.Status(200) with
        {
            Replace = context =>
            {
                context.Response.StatusCode = status;
                context.Response.Headers.Location = target.Sandbox.TokenUrl;
                return Task.CompletedTask;
            },
        });

        var (answer, _) = await PostAsync();
        ((int)answer!.Status).ShouldBe(status);
        (target.Refresh.Calls + target.Redemption.Calls).ShouldBe(0);
    }

    [Fact]
    public async Task T_UP_04_An_answer_beyond_the_cap_is_given_up()
    {
        _provider.Refresh.Next(Fault.Oversize(bytes: 50 * 1024 * 1024));
        (await PostAsync()).Failure!.Kind.ShouldBe(ProviderFailureKind.OutcomeUnknown);
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    [InlineData("br")]
    public async Task T_UP_04_The_cap_counts_what_decompression_makes_of_an_answer(string encoding)
    {
        var bomb = Compressed(encoding, new byte[32 * 1024 * 1024]);
        bomb.Length.ShouldBeLessThan(64 * 1024);
        _provider.Refresh.Next(Bytes(encoding, Compressed(encoding, "{}"u8.ToArray())), Bytes(encoding, bomb));

        Encoding.ASCII.GetString((await PostAsync()).Value!.Body).ShouldBe("{}");
        (await PostAsync()).Failure!.Kind.ShouldBe(ProviderFailureKind.OutcomeUnknown);
    }

    [Theory]
    [InlineData(15)]
    [InlineData(4)]
    public async Task F_14_An_answer_that_never_ends_is_given_up_at_the_deadline_that_the_operator_sets(int seconds)
    {
        _http.Dispose();
        _http = Http(_clock, options => options.Egress.AnswerTimeout = TimeSpan.FromSeconds(seconds));
        var gate = new FakeGate();
        _provider.Refresh.Next(Fault.Held(gate));
        var sending = PostAsync();
        await gate.Entered;
        _clock.Advance(TimeSpan.FromSeconds(seconds) - TimeSpan.FromMilliseconds(1));
        sending.IsCompleted.ShouldBeFalse();
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        (await sending).Failure!.Kind.ShouldBe(ProviderFailureKind.OutcomeUnknown);
    }

    [Fact]
    public async Task The_caller_may_give_up()
    {
        var gate = new FakeGate();
        _provider.Refresh.Next(Fault.Held(gate));
        using var impatient = new CancellationTokenSource();
        var sending = PostAsync(url: null, impatient.Token);
        await gate.Entered;
        await impatient.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(sending);
    }

    [Fact]
    public async Task F_15_A_connection_cut_after_the_request_leaves_its_fate_open()
    {
        _provider.Refresh.Next(Fault.Cut(), Fault.BrokenOff());
        (await PostAsync()).Failure!.Kind.ShouldBe(ProviderFailureKind.OutcomeUnknown);
        (await PostAsync()).Failure!.Kind.ShouldBe(ProviderFailureKind.OutcomeUnknown);
        _provider.Refresh.Calls.ShouldBe(2, "nothing is sent a second time");
    }

    [Fact]
    public async Task F_15_A_refused_connection_means_that_nothing_was_sent()
    {
        var url = new Uri($"http://127.0.0.1:{UnusedPort()}/token");
        var (_, failure) = await PostAsync(url: url);
        failure!.Kind.ShouldBe(ProviderFailureKind.NotSent);
    }

    [Fact]
    public async Task F_15_A_failed_handshake_means_that_nothing_was_sent()
    {
        var plain = new UriBuilder(_provider.Sandbox.TokenUrl) { Scheme = "https" }.Uri;
        var (_, failure) = await PostAsync(url: plain);
        failure!.Kind.ShouldBe(ProviderFailureKind.NotSent);
        _provider.Refresh.Calls.ShouldBe(0);
    }

    [Fact]
    public async Task T_RC_04_Whether_a_request_may_still_be_sent_is_asked_once_the_connection_stands()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var accepting = listener.AcceptSocketAsync();
        var connected = false;
        bool MayStillSend()
        {
            connected = accepting.Wait(TimeSpan.FromSeconds(10));
            return false;
        }

        using var request = Request(new Uri($"http://{listener.LocalEndpoint}/token"));
        var (_, failure) = await _http.SendAsync(request, UpstreamHttp.DefaultLimit, new SendTerms(_http.Deadline, MayStillSend), default);

        (failure!.Kind, connected).ShouldBe((ProviderFailureKind.NotSent, true));
        using var socket = await accepting;
        var received = new MemoryStream();
        await new NetworkStream(socket).CopyToAsync(received);
        Encoding.ASCII.GetString(received.ToArray()).ShouldNotContain("refresh_token");
    }

    [Fact]
    public async Task A_peer_that_hangs_up_before_it_has_read_anything_gets_one_request_only()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var accepted = 0;
        var serving = Task.Run(async () =>
        {
            while (true)
            {
                using var socket = await listener.AcceptSocketAsync();
                accepted++;
                socket.LingerState = new LingerOption(enable: true, seconds: 0);
            }
        });

        var (answer, _) = await PostAsync(url: new Uri($"http://{listener.LocalEndpoint}/token"));
        listener.Stop();
        await Should.ThrowAsync<Exception>(serving);
        answer.ShouldBeNull();
        accepted.ShouldBe(1);
    }

    [Fact]
    public async Task Every_request_has_a_connection_of_its_own_and_speaks_HTTP_1_1()
    {
        var ports = new List<int>();
        _provider.Refresh.Always(Fault.Status(200) with
        {
            Replace = context =>
            {
                ports.Add(context.Connection.RemotePort);
                context.Request.Protocol.ShouldBe("HTTP/1.1");
                context.Request.Headers.Connection.ToString().ShouldBe("close");
                context.Request.Headers.Cookie.Count.ShouldBe(0);
                context.Response.Headers.SetCookie = "session=1; Path=/";
                return Task.CompletedTask;
            },
        });
        await PostAsync();
        await PostAsync();
        ports.Distinct().Count().ShouldBe(2);
    }

    [Theory]
    [InlineData("17", 17)]
    [InlineData("0", 0)]
    [InlineData("900", 900)]
    [InlineData("901", 900)]
    [InlineData("99999999", 900)]
    [InlineData("Wed, 02 Jan 2030 03:05:05 GMT", 60)]
    [InlineData("Wed, 02 Jan 2030 05:04:05 GMT", 900)]
    [InlineData("Wed, 02 Jan 2030 03:00:00 GMT", 0)]
    [InlineData("soon", null)]
    [InlineData("-5", null)]
    [InlineData("99999999999999999999", null)]
    public async Task F_13_Retry_After_is_obeyed_within_reason(string header, int? seconds)
    {
        _provider.Refresh.Next(Fault.TooManyRequests(header));
        (await PostAsync()).Value!.RetryAfter.ShouldBe(seconds is null ? null : TimeSpan.FromSeconds(seconds.Value));
    }

    internal static UpstreamHttp Http(TimeProvider time, Action<TokenVaultOptions>? configure = null)
    {
        var options = new TokenVaultOptions { Egress = { AllowedNetworks = ["127.0.0.0/8"] } };
        configure?.Invoke(options);
        return new UpstreamHttp(new EgressGuard(options, time), time);
    }

    private static HttpRequestMessage Request(Uri url) => new(HttpMethod.Post, url)
    {
        Content = new FormUrlEncodedContent(new Dictionary<string, string> { ["grant_type"] = "refresh_token", ["refresh_token"] = "rt" }),
    };

    private async Task<ProviderResult<UpstreamAnswer>> PostAsync(Uri? url = null, CancellationToken cancellationToken = default)
    {
        using var request = Request(url ?? new Uri(_provider.Sandbox.TokenUrl));
        return await _http.SendAsync(request, UpstreamHttp.DefaultLimit, cancellationToken);
    }

    private static int UnusedPort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static Fault Bytes(string encoding, byte[] body) => Fault.Status(200) with
    {
        Replace = async context =>
        {
            context.Response.ContentType = "application/json";
            context.Response.Headers.ContentEncoding = encoding;
            await context.Response.Body.WriteAsync(body);
        },
    };

    private static byte[] Compressed(string encoding, byte[] plain)
    {
        using var compressed = new MemoryStream();
        using (Stream stream = encoding switch
        {
            "gzip" => new GZipStream(compressed, CompressionLevel.Optimal),
            "deflate" => new ZLibStream(compressed, CompressionLevel.Optimal),
            _ => new BrotliStream(compressed, CompressionLevel.Optimal),
        })
        {
            stream.Write(plain);
        }

        return compressed.ToArray();
    }
}
