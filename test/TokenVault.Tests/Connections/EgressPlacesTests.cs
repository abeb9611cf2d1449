using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using TokenVault.Server;
using TokenVault.Server.Connections;
using TokenVault.Server.Keys;
using TokenVault.Testing;

namespace TokenVault.Tests.Connections;

/// <summary>
/// Every place that an address can come from, an operator's option or a provider's own metadata, against every address that leads inside.
/// One public name leads to the provider; whatever else is dialled has come through.
/// </summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage("Design", "CA1001", Justification = "DisposeAsync of IAsyncLifetime ends both.")]
public sealed class EgressPlacesTests : IAsyncLifetime
{
    private const string Provider = "http://public.example";

    private readonly KeyRing _ring = new([new Kek(1, RandomNumberGenerator.GetBytes(32))], RandomNumberGenerator.GetBytes(32));
    private readonly List<IPEndPoint> _dialled = [];
    private FakeProvider _provider = null!;

    public static TheoryData<string> Places { get; } =
    [
        "tokenURL at the redemption", "tokenURL at the refresh", "userInfoURL", "revocationURL", "discovery_url", "issuer",
        "token_endpoint of the metadata", "jwks_uri of the metadata", "revocation_endpoint of the metadata",
    ];

    public async Task InitializeAsync() => _provider = await FakeProvider.StartAsync();

    public async Task DisposeAsync()
    {
        await _provider.DisposeAsync();
        await _ring.DisposeAsync();
    }

    [Theory]
    [MemberData(nameof(Places))]
    public async Task T_UP_10_No_place_for_an_address_leads_inside(string place)
    {
        var reached = new List<string>();
        var urls = ((IEnumerable<object[]>)UrlVectors.Forbidden).Select(row => (string)row[0]).ToList();
        urls.Count.ShouldBeGreaterThan(120);

        // An empty address is none, and the provider's own name is open here.
        foreach (var url in urls.Where(url => url.Length > 0 && !url.StartsWith(Provider, StringComparison.Ordinal)))
        {
            _dialled.Clear();
            var failed = await TryAsync(place, url);
            if (!failed || _dialled.Count > 0)
            {
                reached.Add(url);
            }
        }

        reached.ShouldBeEmpty();

        // The place is really asked: the provider's own address is not refused there.
        (await TryAsync(place, place == "issuer" ? Provider : Good(place))).ShouldBeFalse();
    }

    [Theory]
    [InlineData("client_secret_basic")]
    [InlineData("client_secret_post")]
    public async Task T_UP_14_The_client_secret_is_in_no_address(string method)
    {
        var urls = new List<string>();
        var client = Client();
        foreach (var endpoint in (FakeEndpoint[])[_provider.Redemption, _provider.Refresh, _provider.Revocation])
        {
            endpoint.Next(Fault.Status(200) with
            {
                Replace = context =>
                {
                    urls.Add(context.Request.Path + context.Request.QueryString);
                    return Task.CompletedTask;
                },
            });
        }

        var connection = Connection("oauth2", new ConnectionOptions
        {
            AuthorizationUrl = Provider + "/authorize",
            TokenUrl = Provider + "/token",
            UserInfoUrl = Provider + "/userinfo",
            RevocationUrl = Provider + "/revoke",
            TokenEndpointAuthMethod = method,
        });
        urls.Add((await client.AuthorizeUrlAsync(connection, Upstream.Authorize("a"), CancellationToken.None)).Value!);
        await client.RedeemAsync(connection, Upstream.Redeem("code"), CancellationToken.None);
        await client.RefreshAsync(connection, new Secret("rt"), expected: null, () => true);
        await client.RevokeAsync(connection, new Secret("rt"), "refresh_token", CancellationToken.None);

        urls.Count.ShouldBe(4);
        urls.ShouldAllBe(url => !url.Contains(_provider.ClientSecret, StringComparison.Ordinal));
    }

    /// <summary>Whether the place refused, or could not use, the address.</summary>
    private async Task<bool> TryAsync(string place, string url)
    {
        var client = Client();
        _provider.Discovery.Always(place.EndsWith("of the metadata", StringComparison.Ordinal)
            ? Metadata(place.Split(' ')[0], url)
            : Metadata(member: null, url));
        var connection = ConnectionFor(place, url);
        if (place.StartsWith("revocation", StringComparison.Ordinal))
        {
            return (await client.RevokeAsync(connection, new Secret("rt"), "refresh_token", CancellationToken.None)).Failure is not null;
        }

        if (place == "tokenURL at the refresh")
        {
            return (await client.RefreshAsync(connection, new Secret("rt"), expected: null, () => true)).Failure is { Kind: not ProviderFailureKind.GrantRejected };
        }

        if (place is "discovery_url" or "issuer")
        {
            return (await client.AuthorizeUrlAsync(connection, Upstream.Authorize("openid"), CancellationToken.None)).Failure is not null;
        }

        var calls = place switch
        {
            "userInfoURL" => _provider.Userinfo.Calls,
            "jwks_uri of the metadata" => _provider.Keys.Calls,
            _ => _provider.Redemption.Calls,
        };
        _provider.Redemption.Always(Fault.Answer(200, "application/json", """{"access_token":"at","id_token":"e30.e30.e30","expires_in":60}"""));
        await client.RedeemAsync(connection, Upstream.Redeem("code", Provider), CancellationToken.None);
        return calls == place switch
        {
            "userInfoURL" => _provider.Userinfo.Calls,
            "jwks_uri of the metadata" => _provider.Keys.Calls,
            _ => _provider.Redemption.Calls,
        };
    }

    private Connection ConnectionFor(string place, string url) => place switch
    {
        "tokenURL at the redemption" or "tokenURL at the refresh" => Connection("oauth2", Plain with { TokenUrl = url }),
        "userInfoURL" => Connection("oauth2", Plain with { UserInfoUrl = url }),
        "revocationURL" => Connection("oauth2", Plain with { RevocationUrl = url }),
        "discovery_url" => Connection("oidc", new ConnectionOptions { DiscoveryUrl = url, Issuer = Provider }),
        "issuer" => Connection("oidc", new ConnectionOptions { Issuer = url }),
        _ => Connection("oidc", new ConnectionOptions { Issuer = Provider }),
    };

    private static string Good(string place) => Provider + place.Split(' ')[0] switch
    {
        "tokenURL" or "token_endpoint" => "/token",
        "userInfoURL" => "/userinfo",
        "revocationURL" or "revocation_endpoint" => "/revoke",
        "jwks_uri" => "/jwks",
        _ => "/.well-known/openid-configuration",
    };

    private static ConnectionOptions Plain { get; } = new()
    {
        AuthorizationUrl = Provider + "/authorize",
        TokenUrl = Provider + "/token",
        UserInfoUrl = Provider + "/userinfo",
        RevocationUrl = Provider + "/revoke",
    };

    private static Fault Metadata(string? member, string url)
    {
        var metadata = new JsonObject
        {
            ["issuer"] = Provider,
            ["authorization_endpoint"] = Provider + "/authorize",
            ["token_endpoint"] = Provider + "/token",
            ["userinfo_endpoint"] = Provider + "/userinfo",
            ["jwks_uri"] = Provider + "/jwks",
            ["revocation_endpoint"] = Provider + "/revoke",
        };
        if (member is not null)
        {
            metadata[member] = url;
        }

        return Fault.Answer(200, "application/json", metadata.ToJsonString());
    }

    private ProviderClient Client()
    {
        var options = new TokenVaultOptions { Egress = { AllowedNetworks = ["93.184.216.0/24"] } };
        var guard = new EgressGuard(options, TimeProvider.System)
        {
            Resolve = (host, _) => Task.FromResult<IPAddress[]>([.. UrlVectors.Names.GetValueOrDefault(host, []).Select(a => IPAddress.Parse(a.AsSpan()))]),
            Dial = DialAsync,
        };
        return ProviderClient.Create(ProviderCatalog.Load(), guard, _ring, options, TimeProvider.System);
    }

    private async Task<Stream> DialAsync(IPEndPoint endPoint, CancellationToken cancellationToken)
    {
        if (endPoint.Address.ToString() != "93.184.216.34" || endPoint.Port != 80)
        {
            _dialled.Add(endPoint);
            throw new SocketException((int)SocketError.ConnectionRefused);
        }

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, new Uri(_provider.Issuer).Port, cancellationToken);
        return new NetworkStream(socket, ownsSocket: true);
    }

    private Connection Connection(string strategy, ConnectionOptions options)
    {
        const string id = "con_0123456789abcdef";
        var sealedSecret = ConnectionSecret.Seal(_ring, id, new Secret(_provider.ClientSecret));
        return new Connection
        {
            Id = id,
            Name = "acme",
            Strategy = strategy,
            Options = options with { ClientId = _provider.ClientId, SealedClientSecret = sealedSecret },
        };
    }
}
