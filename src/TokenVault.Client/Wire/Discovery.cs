namespace TokenVault.Client.Wire;

/// <summary>The server's discovery document, believed only when it names the issuer that was configured (OpenID Connect Discovery §4.3).</summary>
internal sealed class Discovery(Transport transport, TokenVaultOptions options, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan Life = TimeSpan.FromHours(1);

    private readonly SemaphoreSlim _gate = new(1);
    private volatile Known? _known;

    public async Task<ServerMetadata> GetAsync(CancellationToken cancellationToken)
    {
        if (Fresh() is { } fresh)
        {
            return fresh;
        }

        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (Fresh() is { } meanwhile)
            {
                return meanwhile;
            }

            var metadata = await FetchAsync(cancellationToken);
            _known = new Known(metadata, time.GetTimestamp());
            return metadata;
        }
        finally
        {
            _gate.Release();
        }
    }

    public async Task<Uri> TokenEndpointAsync(CancellationToken cancellationToken)
    {
        var metadata = await GetAsync(cancellationToken);
        if (options.EffectiveAuthentication.ClientCertificate is null)
        {
            return Endpoint(metadata.TokenEndpoint, "token endpoint");
        }

        return Endpoint(metadata.MtlsEndpointAliases?.TokenEndpoint, "endpoint for clients with certificates");
    }

    public async Task<Uri> ApprovalEndpointAsync(CancellationToken cancellationToken)
    {
        var metadata = await GetAsync(cancellationToken);
        var own = metadata.BackchannelAuthenticationEndpoint;
        var alias = options.EffectiveAuthentication.ClientCertificate is null ? null : metadata.MtlsEndpointAliases?.BackchannelAuthenticationEndpoint;
        return Endpoint(alias ?? own, "approvals (CIBA)");
    }

    public void Dispose() => _gate.Dispose();

    private ServerMetadata? Fresh() => _known is { } known && time.GetElapsedTime(known.Since) < Life ? known.Metadata : null;

    private async Task<ServerMetadata> FetchAsync(CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, options.Issuer + ".well-known/openid-configuration");
        var answer = await transport.SendAsync(request, cancellationToken);
        if (!answer.IsSuccess)
        {
            throw Failures.Of(answer, time.GetUtcNow(), new FailureContext());
        }

        var metadata = answer.Read(WireJson.Default.ServerMetadata);
        return string.Equals(metadata.Issuer, options.Issuer, StringComparison.Ordinal)
            ? metadata
            : throw new TokenVaultException(
                TokenVaultFailure.WrongIssuer, $"The server at {options.Issuer} says that it is {Failures.Clean(metadata.Issuer ?? "nobody")}.");
    }

    private static Uri Endpoint(string? address, string what)
    {
        if (address is null)
        {
            throw new TokenVaultException(TokenVaultFailure.NotSupported, $"The server's discovery document has no {what}.");
        }

        return Uri.TryCreate(address, UriKind.Absolute, out var uri) && uri.Scheme == Uri.UriSchemeHttps
            ? uri
            : throw new TokenVaultException(TokenVaultFailure.InvalidAnswer, $"The server's {what} has no HTTPS address.");
    }

    private sealed record Known(ServerMetadata Metadata, long Since);
}
