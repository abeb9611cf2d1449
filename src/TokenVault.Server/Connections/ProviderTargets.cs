using TokenVault.Server.Keys;

namespace TokenVault.Server.Connections;

/// <summary>A connection made out: the provider as it is for this connection, its addresses, and who we are there.</summary>
internal sealed record ProviderTarget(Connection Connection, Provider Provider, ProviderEndpoints Endpoints, ProviderRegistration Registration);

/// <summary>Makes out what a connection stands for: its options before the catalogue, that before the provider's metadata.</summary>
internal sealed class ProviderTargets(ProviderCatalog catalog, ProviderMetadata metadata, KeyRing ring, TimeProvider time)
{
    public async Task<ProviderResult<ProviderTarget>> FindAsync(Connection connection, CancellationToken cancellationToken)
    {
        if (catalog.Find(connection.Strategy) is not { } entry)
        {
            return Misconfigured("the catalogue has no such strategy");
        }

        if (connection.Options.ClientId is not { Length: > 0 } clientId)
        {
            return Misconfigured("the connection has no client_id");
        }

        if (ProviderVariables.Complete(entry, connection.Options.Variables, out var problem) is not { } provider)
        {
            return Misconfigured(problem);
        }

        var (endpoints, failure) = await metadata.ResolveAsync(connection, provider, cancellationToken);
        if (endpoints is null)
        {
            return new(null, failure);
        }

        if (provider.OpenIdConnect && endpoints.Issuer is null)
        {
            return Misconfigured("the connection has neither discovery_url nor issuer");
        }

        try
        {
            var method = ConfiguredMethod(connection) ?? provider.TokenEndpointAuthMethod ?? endpoints.AuthMethod ?? ClientAuthMethod.Basic;
            var registration = new ProviderRegistration(clientId, ConnectionSecret.Open(ring, connection), method, provider.TokenRequestFormat);
            if (method != ClientAuthMethod.PrivateKeyJwt)
            {
                return new(new ProviderTarget(connection, provider, endpoints, registration), null);
            }

            return Assertion(connection, endpoints, clientId) is { } assertion
                ? new(new ProviderTarget(connection, provider, endpoints, registration with { Assertion = assertion }), null)
                : Misconfigured("the connection has no key, or its provider no issuer, to authenticate with");
        }
        catch (BrokenSealException e)
        {
            return Misconfigured("the client's secret or key does not open: " + e.Message);
        }
    }

    private static ClientAuthMethod? ConfiguredMethod(Connection connection) => connection.Options.TokenEndpointAuthMethod switch
    {
        "client_secret_post" => ClientAuthMethod.Post,
        "client_secret_basic" => ClientAuthMethod.Basic,
        ConnectionKeys.Method => ClientAuthMethod.PrivateKeyJwt,
        _ => null,
    };

    /// <summary>An issuer that a claim would complete names no server in particular.</summary>
    private ClientAssertion? Assertion(Connection connection, ProviderEndpoints endpoints, string clientId) =>
        connection.Key is { } key && endpoints.Issuer is { } issuer && !issuer.Contains('{', StringComparison.Ordinal)
            ? new ClientAssertion(clientId, issuer, key.Open(ring, connection.Id), time)
            : null;

    private static ProviderResult<ProviderTarget> Misconfigured(string detail) => new(null, new ProviderFailure(ProviderFailureKind.Misconfigured, detail));
}
