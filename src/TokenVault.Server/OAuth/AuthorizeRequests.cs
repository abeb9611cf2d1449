using TokenVault.Server.Clients;
using TokenVault.Server.Http;
using TokenVault.Server.Storage;

namespace TokenVault.Server.OAuth;

/// <summary>Reads the authorization request behind a page, or behind a way through a provider, again: what it named may have changed since.</summary>
internal sealed class AuthorizeRequests(RecordCache cache)
{
    public async ValueTask<AuthorizeRequest?> ReadAsync(string query, CancellationToken cancellationToken)
    {
        var read = RequestParameters.FromQuery(query);
        if (read.Failed(out _)
            || read.Value["client_id"] is not { } clientId
            || await cache.FindAsync<Client>(clientId, cancellationToken) is not { } client
            || AuthorizeRequest.RedirectUriOf(read.Value, client) is not { } redirectUri
            || AuthorizeResponse.ModeOf(read.Value["response_mode"]) is not { } mode)
        {
            return null;
        }

        var parsed = AuthorizeRequest.Parse(read.Value, client, redirectUri, mode);
        return parsed.Failed(out _) ? null : parsed.Value;
    }
}
