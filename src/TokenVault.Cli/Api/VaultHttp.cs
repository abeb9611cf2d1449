using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;

namespace TokenVault.Cli.Api;

/// <summary>HTTP to one server, which says in words why it did not get there.</summary>
internal sealed class VaultHttp : IDisposable
{
    /// <summary>A page of a hundred of anything is far below that.</summary>
    private const int LargestAnswer = 16 * 1024 * 1024;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly HttpClient _http;

    /// <param name="authority">PEM text of the one authority that counts; null: those of this machine.</param>
    /// <param name="debug">Where each message is written; null: nowhere.</param>
    public VaultHttp(string issuer, string? authority, TextWriter? debug)
    {
        Issuer = issuer;
        Authority = authority;
        HttpMessageHandler handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            SslOptions = new SslClientAuthenticationOptions
            {
                CertificateChainPolicy = authority is null ? null : Policy(authority),
                RemoteCertificateValidationCallback = Judged,
            },
        };
        _http = new HttpClient(debug is null ? handler : new WireLog(handler, debug)) { Timeout = Patience, BaseAddress = new Uri(issuer), MaxResponseContentBufferSize = LargestAnswer };
        _http.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("tokenvault-cli", typeof(VaultHttp).Assembly.GetName().Version!.ToString(3)));
    }

    public string Issuer { get; }

    public string? Authority { get; }

    /// <summary>When the server's certificate ends; null before the first connection.</summary>
    public DateTimeOffset? CertificateEnd { get; private set; }

    public Task<Answer> GetAsync(string path, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Get, path, bearer: null, content: null, cancellationToken);

    public Task<Answer> FormAsync(string path, IEnumerable<KeyValuePair<string, string>> form, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Post, path, bearer: null, new FormUrlEncodedContent(form), cancellationToken);

    public Task<Answer> JsonAsync(HttpMethod method, string path, string bearer, JsonNode? body, CancellationToken cancellationToken) =>
        SendAsync(method, path, bearer, body is null ? null : new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json"), cancellationToken);

    public void Dispose() => _http.Dispose();

    private async Task<Answer> SendAsync(HttpMethod method, string path, string? bearer, HttpContent? content, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        request.Headers.Authorization = bearer is null ? null : new AuthenticationHeaderValue("Bearer", bearer);
        try
        {
            using var response = await _http.SendAsync(request, cancellationToken);
            return await Answer.ReadAsync(response, cancellationToken);
        }
        catch (HttpRequestException e) when (e.HttpRequestError == HttpRequestError.ConfigurationLimitExceeded)
        {
            throw new ToolException(ExitCode.Failed, $"{Issuer} answered at a length that makes no sense.");
        }
        catch (HttpRequestException e)
        {
            throw Explained(e);
        }
        catch (TaskCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ToolException(ExitCode.Unreachable, $"{Issuer} did not answer within {Patience.TotalSeconds} seconds.");
        }
    }

    /// <summary>As the platform and the authority judge it; and its end is noted.</summary>
    private bool Judged(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        CertificateEnd = certificate is X509Certificate2 known ? known.NotAfter : null;
        return errors == SslPolicyErrors.None;
    }

    private ToolException Explained(HttpRequestException e)
    {
        if (e.InnerException is AuthenticationException)
        {
            return new ToolException(
                ExitCode.Unreachable,
                $"The certificate of {Issuer} is not trusted{(Authority is null ? "" : " by the authority that was given for it")}.",
                "A server on its own machine makes its own authority, ca.pem in the folder tls of its data directory. Get that file by a way that you trust, and pass it: --ca ca.pem");
        }

        return e.InnerException is SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain }
            ? new ToolException(ExitCode.Unreachable, $"There is no host of the name {new Uri(Issuer).Host}.", "Check the domain.")
            : new ToolException(ExitCode.Unreachable, $"{Issuer} cannot be reached: {e.InnerException?.Message ?? e.Message}", "Check that the server runs there, and the port.");
    }

    private static X509ChainPolicy Policy(string authority)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        try
        {
            policy.CustomTrustStore.ImportFromPem(authority);
        }
        catch (CryptographicException)
        {
            // Said below: there is none in it.
        }

        return policy.CustomTrustStore.Count > 0
            ? policy
            : throw new ToolException(ExitCode.Usage, "The file of the authority holds no certificate.", "Expected PEM text: -----BEGIN CERTIFICATE-----");
    }
}
