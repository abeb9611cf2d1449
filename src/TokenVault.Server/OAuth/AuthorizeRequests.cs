using TokenVault.Server.Clients;
using TokenVault.Server.Http;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.OAuth;

/// <summary>
/// Reads authorization requests: as they come, and again behind a page, or behind a way through a provider: what they named may have
/// changed since.
/// </summary>
internal sealed class AuthorizeRequests(RecordCache cache, TokenVaultOptions options)
{
    public async ValueTask<AuthorizeRequest?> ReadAsync(string query, CancellationToken cancellationToken)
    {
        var read = RequestParameters.FromQuery(query);
        if (read.Failed(out _) || await ClientAsync(read.Value, cancellationToken) is not { } client)
        {
            return null;
        }

        var response = ResponseTo(read.Value, client);
        if (response.Failed(out _))
        {
            return null;
        }

        var parsed = AuthorizeRequest.Parse(read.Value, client, response.Value);
        return parsed.Failed(out _) ? null : parsed.Value;
    }

    public async ValueTask<Client?> ClientAsync(RequestParameters parameters, CancellationToken cancellationToken) =>
        parameters["client_id"] is { } clientId ? await cache.FindAsync<Client>(clientId, cancellationToken) : null;

    /// <summary>Where the answer goes. Until that is known, errors go nowhere (RFC 6749 §4.1.2.1).</summary>
    public Outcome<AuthorizeResponse> ResponseTo(RequestParameters parameters, Client client)
    {
        if (AuthorizeRequest.RedirectUriOf(parameters, client) is not { } redirectUri)
        {
            return OAuthError.InvalidRequest("The redirect_uri is not one of the client's callback URLs.");
        }

        // A message goes to a frame's parent: only to an origin that the client registered for it.
        var mode = AuthorizeResponse.ModeOf(parameters["response_mode"]);
        return mode is null || (mode == ResponseMode.WebMessage && !client.WebOrigins.Contains(Urls.Origin(redirectUri), StringComparer.Ordinal))
            ? OAuthError.InvalidRequest("The response_mode is not supported for this client.")
            : new AuthorizeResponse(options.Issuer, mode.Value, redirectUri, parameters["state"]);
    }
}
