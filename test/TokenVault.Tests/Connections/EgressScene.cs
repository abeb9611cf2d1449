using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using TokenVault.Server;
using TokenVault.Server.Approvals;
using TokenVault.Server.Audit;
using TokenVault.Server.Clients;
using TokenVault.Server.Connections;
using TokenVault.Server.Keys;
using TokenVault.Server.LogStreams;
using TokenVault.Server.Users;
using TokenVault.Testing;

namespace TokenVault.Tests.Connections;

/// <summary>One name that leads to a provider, names that lead inside, and a record of whatever is looked up and dialled.</summary>
internal sealed class EgressScene : IAsyncDisposable
{
    public const string Provider = "http://public.example";

    private const string PublicAddress = "93.184.216.34";

    private readonly KeyRing _ring = new([new Kek(1, RandomNumberGenerator.GetBytes(32))], RandomNumberGenerator.GetBytes(32));
    private readonly TokenVaultOptions _options = new() { Egress = { AllowedNetworks = ["93.184.216.0/24"] } };
    private string _idToken = "";

    private EgressScene()
    {
    }

    public FakeProvider Fake { get; private set; } = null!;

    /// <summary>Addresses dialled since the last call, the provider's apart.</summary>
    public List<IPEndPoint> Dialled { get; } = [];

    /// <summary>Names looked up since the last call.</summary>
    public List<string> Resolved { get; } = [];

    private static ConnectionOptions Plain { get; } = new()
    {
        AuthorizationUrl = Provider + "/authorize",
        TokenUrl = Provider + "/token",
        UserInfoUrl = Provider + "/userinfo",
        RevocationUrl = Provider + "/revoke",
    };

    public static async Task<EgressScene> StartAsync()
    {
        var scene = new EgressScene { Fake = await FakeProvider.StartAsync() };

        // Without a name and an address, so that the userinfo endpoint is asked for them.
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        scene._idToken = scene.Fake.Sandbox.Key.Sign(new JsonObject
        {
            ["iss"] = Provider,
            ["aud"] = scene.Fake.ClientId,
            ["sub"] = "ada",
            ["nonce"] = Upstream.Nonce,
            ["iat"] = now,
            ["exp"] = now + 3600,
        });
        var tokens = new JsonObject { ["access_token"] = "at", ["refresh_token"] = "rt", ["id_token"] = scene._idToken, ["expires_in"] = 60 };
        scene.Fake.Redemption.Always(Fault.Answer(200, "application/json", tokens.ToJsonString()));
        scene.Fake.Refresh.Always(Fault.Answer(200, "application/json", tokens.ToJsonString()));
        return scene;
    }

    public async ValueTask DisposeAsync()
    {
        await Fake.DisposeAsync();
        await _ring.DisposeAsync();
    }

    /// <summary>Whether the server calls an address because it stands in this place.</summary>
    public async Task<bool> IsReachedAsync(string place, string url)
    {
        if (EgressPlaces.Catalog(place, url) is not { } catalog)
        {
            return false;
        }

        Forget();
        Fake.Discovery.Always(EgressPlaces.Metadata(place.EndsWith("of the metadata", StringComparison.Ordinal) ? place.Split(' ')[0] : null, url));
        var calls = Watched(place)?.Calls;
        await CallAsync(place, Client(catalog), ConnectionFor(place, url), url);
        return Dialled.Count > 0 || Watched(place)?.Calls != calls;
    }

    /// <summary>Everything that an entry's own addresses are asked for.</summary>
    public async Task CallAllAsync(Provider provider, ProviderVariable variable, string value)
    {
        Forget();
        var client = Client();
        var variables = provider.Variables.ToDictionary(v => v.Name, v => v == variable ? value : v.Example, StringComparer.Ordinal);
        var own = new ConnectionOptions { Variables = variables };

        // With tokens from elsewhere, who they belong to is asked at the entry's own address, and they are revoked there.
        foreach (var options in (ConnectionOptions[])[own, own with { AuthorizationUrl = Plain.AuthorizationUrl, TokenUrl = Plain.TokenUrl }])
        {
            var connection = Connection(provider.Strategy, options);
            await client.AuthorizeUrlAsync(connection, Upstream.Authorize("a"), CancellationToken.None);
            await client.RedeemAsync(connection, Upstream.Redeem("code"), CancellationToken.None);
            await client.RefreshAsync(connection, new Secret("rt"), expected: null, () => true);
            await client.RevokeAsync(connection, new Secret("rt"), "refresh_token", CancellationToken.None);
        }
    }

    public ProviderClient Client(ProviderCatalog? catalog = null) =>
        ProviderClient.Create(catalog ?? ProviderCatalog.Load(), Guard(), _ring, _options, TimeProvider.System);

    public Connection Connection(string strategy, ConnectionOptions options)
    {
        const string id = "con_0123456789abcdef";
        var sealedSecret = ConnectionSecret.Seal(_ring, id, new Secret(Fake.ClientSecret));
        return new Connection { Id = id, Name = "acme", Strategy = strategy, Options = options with { ClientId = Fake.ClientId, SealedClientSecret = sealedSecret } };
    }

    private void Forget()
    {
        Dialled.Clear();
        Resolved.Clear();
    }

    private FakeEndpoint? Watched(string place) => EgressPlaces.IsNotCalled(place) || EgressPlaces.IsOfEntry(place) ? null : place.Split(' ')[0] switch
    {
        "tokenURL" when place.EndsWith("refresh", StringComparison.Ordinal) => Fake.Refresh,
        "tokenURL" or "token_endpoint" => Fake.Redemption,
        "userInfoURL" or "userinfo_endpoint" => Fake.Userinfo,
        "revocationURL" or "revocation_endpoint" or "httpEndpoint" or "webhook" => Fake.Revocation,
        "jwks_uri" => Fake.Keys,
        _ => Fake.Discovery,
    };

    private async Task CallAsync(string place, ProviderClient client, Connection connection, string url)
    {
        switch (place.Split(' ')[0])
        {
            case "httpEndpoint":
                await SendLogsAsync(url);
                break;
            case "webhook":
                await AskForApprovalAsync(url);
                break;
            case "revocationURL" or "revocation_endpoint" or "revocation.endpoint":
                await client.RevokeAsync(connection, new Secret("rt"), "refresh_token", CancellationToken.None);
                break;
            case "tokenURL" or "refresh_endpoint" when place != "tokenURL at the redemption":
                await client.RefreshAsync(connection, new Secret("rt"), expected: null, () => true);
                break;
            case "discovery_url" or "issuer" or "authorizationURL" or "authorization_endpoint":
                await client.AuthorizeUrlAsync(connection, Upstream.Authorize("openid"), CancellationToken.None);
                break;
            default:
                await client.RedeemAsync(connection, Upstream.Redeem("code") with { WantsProfile = true }, CancellationToken.None);
                break;
        }
    }

    private async Task SendLogsAsync(string url)
    {
        const string id = "lst_0123456789abcdef";
        var stream = LogStreamBody.Blank(id) with { Endpoint = url, SealedSecret = _ring.SealText(new Secret("secret"), LogStream.AadOf("secret", id)) };

        // Of the chain, only its end is asked, and there is none yet.
        using var sender = new LogStreamSender(Guard(), _ring, new AuditChain(null!, _ring, TimeProvider.System), TimeProvider.System);
        await sender.SendAsync(stream, [], CancellationToken.None);
    }

    private async Task AskForApprovalAsync(string url)
    {
        var settings = new TokenVaultOptions { Approvals = { Webhook = { Url = url, Secret = new Secret("secret") } } };
        var approval = new Approval { Id = "apr_x", ClientId = "client", UserId = "user" };
        var message = new ApprovalMessage(
            "apn_x", approval, new Client { ClientId = "client", Name = "Application" }, new User { UserId = "user", Connection = "c" }, Link: "x");
        using var channel = new WebhookChannel(Guard(), settings, TimeProvider.System);
        await channel.SendAsync(message, CancellationToken.None);
    }

    private Connection ConnectionFor(string place, string url) => place switch
    {
        "authorizationURL" => Connection("oauth2", Plain with { AuthorizationUrl = url }),
        "tokenURL at the redemption" or "tokenURL at the refresh" => Connection("oauth2", Plain with { TokenUrl = url }),
        "userInfoURL" => Connection("oauth2", Plain with { UserInfoUrl = url }),
        "revocationURL" => Connection("oauth2", Plain with { RevocationUrl = url }),
        "discovery_url" => Connection("oidc", new ConnectionOptions { DiscoveryUrl = url, Issuer = Provider }),
        "issuer" => Connection("oidc", new ConnectionOptions { Issuer = url }),
        "jwks_uri" => Connection("oidc", new ConnectionOptions { Issuer = Provider, JwksUri = url }),
        "user.endpoint of an entry" or "jwks_uri of an entry" =>
            Connection("acme", new ConnectionOptions { AuthorizationUrl = Plain.AuthorizationUrl, TokenUrl = Plain.TokenUrl }),
        _ when EgressPlaces.IsOfEntry(place) => Connection("acme", new ConnectionOptions()),
        _ => Connection("oidc", new ConnectionOptions { Issuer = Provider }),
    };

    private EgressGuard Guard() => new(_options, TimeProvider.System) { Resolve = ResolveAsync, Dial = DialAsync };

    private Task<IPAddress[]> ResolveAsync(string host, CancellationToken cancellationToken)
    {
        Resolved.Add(host);
        return Task.FromResult<IPAddress[]>([.. UrlVectors.Names.GetValueOrDefault(host, []).Select(a => IPAddress.Parse(a.AsSpan()))]);
    }

    private async Task<Stream> DialAsync(IPEndPoint endPoint, CancellationToken cancellationToken)
    {
        if (endPoint.Address.ToString() != PublicAddress || endPoint.Port != 80)
        {
            Dialled.Add(endPoint);
            throw new SocketException((int)SocketError.ConnectionRefused);
        }

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, new Uri(Fake.Issuer).Port, cancellationToken);
        return new NetworkStream(socket, ownsSocket: true);
    }
}
