using TokenVault.Server.Audit;
using TokenVault.Server.Clients;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.OAuth.Grants;

/// <summary>RFC 6749 §4.4: a confidential client for itself, with the scopes of its client grant.</summary>
internal sealed class ClientCredentialsGrant(IStorage storage, ApiAccessPolicy policy, TokenIssuer issuer, AuditLog audit) : IGrant
{
    public string Type => Wire.ClientCredentials;

    public async ValueTask<Outcome<TokenResponse>> RedeemAsync(TokenRequest request, CancellationToken cancellationToken)
    {
        var (parameters, client) = (request.Parameters, request.Client);
        if (client.IsPublic)
        {
            return OAuthError.GrantTypeNotAllowed(Wire.ClientCredentials);
        }

        if (parameters["audience"] is not { } audience)
        {
            return OAuthError.InvalidRequest("audience is missing.");
        }

        var access = await policy.ForClientAsync(client, audience, Scope.Parse(parameters["scope"]), cancellationToken);
        access = access.Failed(out _) ? access : access.Value.Bind(client, request.Proven);
        var type = access.Failed(out var error) ? AuditType.FailedClientCredentials : AuditType.SuccessfulClientCredentials;
        await storage.CommitAsync(new Batch().Append(audit.Row(TokenIssuer.Event(type, client, request.Origin) with
        {
            Audience = audience,
            Description = error?.Description,
        })));
        return error is null ? issuer.ForClient(client, access.Value) : error;
    }
}
