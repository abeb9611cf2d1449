using TokenVault.Server.Approvals;
using TokenVault.Server.Clients;
using TokenVault.Server.Http;
using TokenVault.Server.OAuth.Ciba;
using TokenVault.Server.OAuth.Devices;
using TokenVault.Server.OAuth.Pushed;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.OAuth;

/// <summary>
/// Reads authorization requests: as they come, and again behind a page, or behind a way through a provider: what they named may have
/// changed since.
/// </summary>
internal sealed class AuthorizeRequests(IStorage storage, RecordCache cache, PushedRequests pushed, DeviceRequests devices, TokenVaultOptions options)
{
    public async ValueTask<AuthorizeRequest?> ReadAsync(string query, CancellationToken cancellationToken)
    {
        if (DeviceRequests.IsDevice(query))
        {
            return await DeviceAsync(query, cancellationToken);
        }

        if (ApprovalVisit.TryRead(query, out var approvalId))
        {
            return await ForApprovalAsync(approvalId, cancellationToken);
        }

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

    /// <summary>What a device asks for is answered to the device; its user, and what goes wrong before they have answered, stay here.</summary>
    private async ValueTask<AuthorizeRequest?> DeviceAsync(string query, CancellationToken cancellationToken)
    {
        return await devices.FindByQueryAsync(query, cancellationToken) is { } device
            && await cache.FindAsync<Client>(device.ClientId, cancellationToken) is { } client
            && client.MayUse(Wire.DeviceCode)
            ? new AuthorizeRequest
            {
                Client = client,
                Response = new AuthorizeResponse(options.Issuer, ResponseMode.Page, RedirectUri: "", State: null),
                Audience = device.Audience,
                Scopes = device.Scopes,
            }
            : null;
    }

    public async ValueTask<Client?> ClientAsync(RequestParameters parameters, CancellationToken cancellationToken) =>
        parameters["client_id"] is { } clientId ? await cache.FindAsync<Client>(clientId, cancellationToken) : null;

    /// <summary>
    /// What a browser asks for: what its query says, or what the client has pushed under the name that it brings; whatever else is in the
    /// query then does not count (RFC 9126 §4).
    /// </summary>
    public async ValueTask<Outcome<ArrivedRequest>> ArriveAsync(string query, CancellationToken cancellationToken)
    {
        var read = RequestParameters.FromQuery(query);
        if (read.Failed(out var malformed))
        {
            return malformed;
        }

        if (!PushedRequests.IsName(read.Value["request_uri"]))
        {
            return new ArrivedRequest(query, read.Value, Pushed: false);
        }

        // A request_uri of another client's is no request of this one's (RFC 9126 §2.2, §7.1).
        return await pushed.TakeAsync(read.Value["client_id"], read.Value["request_uri"]!, cancellationToken) is { } kept
            ? new ArrivedRequest(kept, RequestParameters.FromQuery(kept).Value, Pushed: true)
            : new OAuthError(400, "invalid_request_uri", "The request_uri is unknown, has expired or was used already.");
    }

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

    /// <summary>
    /// Users sign in to the approval pages as they would for the application that asks: through the connections that it has. The list is no
    /// application's: local users sign in there, and whoever is signed in already.
    /// </summary>
    private async ValueTask<AuthorizeRequest?> ForApprovalAsync(string? approvalId, CancellationToken cancellationToken)
    {
        var back = new AuthorizeResponse(options.Issuer, ResponseMode.Query, options.Issuer.TrimEnd('/') + ApprovalVisit.Path(approvalId), State: null);
        if (approvalId is null)
        {
            return new AuthorizeRequest { Client = new Client { ClientId = ApprovalVisit.PageName, Name = "Approvals" }, Response = back };
        }

        return await storage.FindAsync<Approval>(approvalId, cancellationToken) is { } approval
            && await cache.FindAsync<Client>(approval.ClientId, cancellationToken) is { } client
                ? new AuthorizeRequest { Client = client, Response = back, AsksForMultiFactor = approval.NeedsMultiFactor }
                : null;
    }
}

/// <param name="Query">The request, as it goes on through the pages.</param>
/// <param name="Pushed">The client itself has sent it.</param>
internal sealed record ArrivedRequest(string Query, RequestParameters Parameters, bool Pushed);
