using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using TokenVault.Server.Http;

namespace TokenVault.Server.Connections;

/// <summary>Every address that a host name stands for, now.</summary>
internal delegate Task<IPAddress[]> ResolveHost(string host, CancellationToken cancellationToken);

/// <summary>Opens a connection to one address that was checked.</summary>
internal delegate Task<Stream> DialAddress(IPEndPoint endPoint, CancellationToken cancellationToken);

/// <summary>
/// The one way out of the server. An operator's or a provider's URL must not reach what only this host can reach, so a host name
/// is resolved once, every one of its addresses is checked, and the connection goes to a checked address: there is no second
/// look-up that could answer otherwise (T-UP-10 to T-UP-13).
/// </summary>
/// <remarks>
/// Public addresses may be reached over TLS. Other addresses only inside the operator's
/// <see cref="TokenVaultOptions.EgressOptions.AllowedNetworks"/>, and there plain HTTP is spoken too when the URL says so: whoever
/// opens a network to the server has decided that it is theirs.
/// </remarks>
internal sealed class EgressGuard
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(3);

    private readonly TimeProvider _time;
    private readonly Network[] _allowed;
    private readonly X509Certificate2Collection? _roots;

    /// <exception cref="FormatException">A network of the options is not in CIDR notation.</exception>
    /// <exception cref="CryptographicException">The certificate authority's file has no certificate.</exception>
    public EgressGuard(TokenVaultOptions options, TimeProvider time)
    {
        _time = time;
        _allowed = [.. options.Egress.AllowedNetworks.Select(Network.Parse)];
        AnswerTimeout = options.Egress.AnswerTimeout;
        _roots = options.Egress.CertificateAuthorityFile is { } file ? RootsWith(file) : null;
    }

    /// <summary>How long a call may take whose answer is not the only copy of anything.</summary>
    public TimeSpan AnswerTimeout { get; }

    /// <summary>For tests of names that change their addresses.</summary>
    public ResolveHost Resolve { get; init; } = (host, cancellationToken) => Dns.GetHostAddressesAsync(host, cancellationToken);

    /// <summary>For tests of what is connected to.</summary>
    public DialAddress Dial { get; init; } = DialTcpAsync;

    public bool Allows(IPAddress address, bool tls) => Array.Exists(_allowed, n => n.Contains(address)) || (tls && PublicAddress.Is(address));

    /// <summary>The handler for every upstream call: no redirect, no proxy, no cookie, and a new connection for each request.</summary>
    public SocketsHttpHandler CreateHandler()
    {
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,

            // Our trace ids are no business of a provider.
            ActivityHeadersPropagator = null,
            AutomaticDecompression = DecompressionMethods.GZip | DecompressionMethods.Deflate | DecompressionMethods.Brotli,
            ConnectTimeout = 3 * ConnectTimeout,
            MaxResponseHeadersLength = 32,
            MaxResponseDrainSize = 0,

            // A reused connection that the peer is just closing leaves open whether a request arrived, and invites a silent second send.
            PooledConnectionLifetime = TimeSpan.Zero,
            ConnectCallback = ConnectAsync,
        };
        handler.SslOptions.CertificateChainPolicy = ChainPolicy();
        return handler;
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var host = context.DnsEndPoint.Host;
        var tls = context.InitialRequestMessage.RequestUri?.Scheme == Uri.UriSchemeHttps;
        var addresses = await AddressesAsync(host, cancellationToken);
        if (addresses.Length == 0)
        {
            throw new SocketException((int)SocketError.HostNotFound);
        }

        // One forbidden address among many is an attempt, not an accident: none is tried.
        if (Array.Find(addresses, a => !Allows(a, tls)) is { } refused)
        {
            throw new EgressRefusedException(tls || !PublicAddress.Is(refused)
                ? "the host's address is not public and not in an allowed network"
                : "plain http is spoken only inside allowed networks");
        }

        return await DialFirstAsync(addresses, context.DnsEndPoint.Port, cancellationToken);
    }

    private async Task<IPAddress[]> AddressesAsync(string host, CancellationToken cancellationToken)
    {
        var literal = host.StartsWith('[') ? host[1..^1] : host;
        return StrictIPAddress.TryParse(literal, out var address) ? [address] : await Resolve(host, cancellationToken);
    }

    /// <summary>The first address that answers within the connect timeout (F-37).</summary>
    private async Task<Stream> DialFirstAsync(IPAddress[] addresses, int port, CancellationToken cancellationToken)
    {
        Exception? last = null;
        foreach (var address in addresses)
        {
            using var timeout = new CancellationTokenSource(ConnectTimeout, _time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
            try
            {
                return await Dial(new IPEndPoint(address, port), either.Token);
            }
            catch (SocketException e)
            {
                last = e;
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                last = new SocketException((int)SocketError.TimedOut);
            }
        }

        throw last!;
    }

    private static async Task<Stream> DialTcpAsync(IPEndPoint endPoint, CancellationToken cancellationToken)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(endPoint, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>The system's trust, or that and the operator's authority; nothing switches the check off (T-UP-07).</summary>
    private X509ChainPolicy ChainPolicy()
    {
        var policy = new X509ChainPolicy
        {
            RevocationMode = X509RevocationMode.NoCheck,

            // A certificate may name URLs to load issuers from: those calls would go around this guard.
            DisableCertificateDownloads = true,
        };
        policy.ApplicationPolicy.Add(new Oid("1.3.6.1.5.5.7.3.1"));
        if (_roots is null)
        {
            return policy;
        }

        policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        policy.CustomTrustStore.AddRange(_roots);
        return policy;
    }

    private static X509Certificate2Collection RootsWith(string file)
    {
        var roots = new X509Certificate2Collection();
        using (var system = new X509Store(StoreName.Root, StoreLocation.LocalMachine, OpenFlags.ReadOnly))
        {
            roots.AddRange(system.Certificates);
        }

        var before = roots.Count;
        roots.ImportFromPemFile(file);
        return roots.Count > before ? roots : throw new CryptographicException($"'{file}' has no certificate in PEM.");
    }
}

/// <summary>The guard refused: nothing was sent.</summary>
internal sealed class EgressRefusedException(string message) : IOException(message);
