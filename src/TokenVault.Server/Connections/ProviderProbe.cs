namespace TokenVault.Server.Connections;

/// <summary>
/// Looks from where the server is whether a connection's provider can be reached: each of its addresses is asked once, by a request without any
/// secret or parameter, through the egress guard (T-UP-10). What an answer says is not read, but for the metadata, and is told to nobody.
/// </summary>
internal sealed class ProviderProbe(ProviderCatalog catalog, EgressGuard guard, TimeProvider time) : IDisposable
{
    /// <summary>For the metadata, and then for all the rest at once: whoever asks waits for it.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly UpstreamHttp _http = new(guard, time);

    public void Dispose() => _http.Dispose();

    /// <exception cref="OperationCanceledException">The caller gave up.</exception>
    public async Task<IReadOnlyList<ProbedUrl>> RunAsync(Connection connection, CancellationToken cancellationToken)
    {
        if (connection.IsDatabase)
        {
            return [];
        }

        if (catalog.Find(connection.Strategy) is not { } entry)
        {
            return [Misconfigured("the catalogue has no such strategy")];
        }

        if (ProviderVariables.Complete(entry, connection.Options.Variables, out var problem) is not { } provider)
        {
            return [Misconfigured(problem)];
        }

        if (string.IsNullOrEmpty(connection.Options.ClientId))
        {
            return [Misconfigured("the connection has no client_id")];
        }

        var known = ProviderEndpoints.Of(connection, provider);
        if (ProviderMetadata.ToFetch(known, provider) is not { } url)
        {
            return await AllAsync(connection, provider, known, cancellationToken);
        }

        var metadata = new ProviderMetadata(_http, time);
        var (found, failure) = await metadata.FetchAsync(url, known.Issuer, Patience, cancellationToken);
        return found is null
            ? [ProbedUrl.Failed("discovery_url", url, failure!)]
            : [new ProbedUrl("discovery_url", url, Status: 200), .. await AllAsync(connection, provider, known.CompletedBy(found), cancellationToken)];
    }

    private async Task<IReadOnlyList<ProbedUrl>> AllAsync(
        Connection connection, Provider provider, ProviderEndpoints endpoints, CancellationToken cancellationToken)
    {
        if (endpoints is { AuthorizationEndpoint: null } or { TokenEndpoint: null } || (provider.OpenIdConnect && endpoints is { Issuer: null } or { JwksUri: null }))
        {
            return [Misconfigured("the connection lacks addresses, and nothing says where the provider's metadata are")];
        }

        (string Name, string? Url)[] all =
        [
            ("token_endpoint", endpoints.TokenEndpoint), ("refresh_endpoint", endpoints.RefreshEndpoint), ("jwks_uri", endpoints.JwksUri),
            ("userinfo_endpoint", endpoints.UserinfoEndpoint), ("authorization_endpoint", endpoints.AuthorizationEndpoint),
            ("revocation_endpoint", endpoints.RevocationEndpoint?.Replace("{client_id}", Uri.EscapeDataString(connection.Options.ClientId ?? ""), StringComparison.Ordinal)),
        ];
        var different = all.Where(one => one.Url is not null).DistinctBy(one => one.Url, StringComparer.Ordinal);
        return await Task.WhenAll(different.Select(one => LookAsync(one.Name, one.Url!, cancellationToken)));
    }

    private async Task<ProbedUrl> LookAsync(string name, string url, CancellationToken cancellationToken)
    {
        if (!UpstreamUrl.TryParse(url, out var address, out var problem))
        {
            return new ProbedUrl(name, Url: null, Problem: ProbedUrl.Configuration, Detail: $"{name} {problem}");
        }

        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        var (answer, failure) = await _http.SendAsync(request, UpstreamHttp.DefaultLimit, new SendTerms(Patience, StatusOnly: true), cancellationToken);
        if (answer is null)
        {
            return ProbedUrl.Failed(name, url, failure!);
        }

        // Endpoints rightly turn an empty request away; that a gateway speaks, or the key set is missing, is another matter.
        var status = (int)answer.Status;
        var usable = name == "jwks_uri" ? status == 200 : status < 502;
        return usable ? new ProbedUrl(name, url, status) : new ProbedUrl(name, url, status, ProbedUrl.UnusableStatus, $"{name} answered {status}");
    }

    private static ProbedUrl Misconfigured(string detail) => new("connection", Url: null, Problem: ProbedUrl.Configuration, Detail: detail);
}
