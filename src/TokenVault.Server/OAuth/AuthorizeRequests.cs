using TokenVault.Server.Approvals;
using TokenVault.Server.Clients;
using TokenVault.Server.Http;
using TokenVault.Server.OAuth.Ciba;
using TokenVault.Server.Storage;

namespace TokenVault.Server.OAuth;

/// <summary>Reads the authorization request behind a page, or behind a way through a provider, again: what it named may have changed since.</summary>
internal sealed class AuthorizeRequests(IStorage storage, RecordCache cache, TokenVaultOptions options)
{
    public async ValueTask<AuthorizeRequest?> ReadAsync(string query, CancellationToken cancellationToken)
    {
        if (ApprovalVisit.TryRead(query, out var approvalId))
        {
            return await ForApprovalAsync(approvalId, cancellationToken);
        }

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

    /// <summary>
    /// Users sign in to the approval pages as they would for the application that asks: through the connections that it has. The list is no
    /// application's: local users sign in there, and whoever is signed in already.
    /// </summary>
    private async ValueTask<AuthorizeRequest?> ForApprovalAsync(string? approvalId, CancellationToken cancellationToken)
    {
        var redirectUri = options.Issuer.TrimEnd('/') + ApprovalVisit.Path(approvalId);
        if (approvalId is null)
        {
            return new AuthorizeRequest { Client = new Client { ClientId = ApprovalVisit.PageName, Name = "Approvals" }, RedirectUri = redirectUri, ResponseMode = ResponseMode.Query };
        }

        return await storage.FindAsync<Approval>(approvalId, cancellationToken) is { } approval
            && await cache.FindAsync<Client>(approval.ClientId, cancellationToken) is { } client
                ? new AuthorizeRequest { Client = client, RedirectUri = redirectUri, ResponseMode = ResponseMode.Query, AsksForMultiFactor = approval.NeedsMultiFactor }
                : null;
    }
}
