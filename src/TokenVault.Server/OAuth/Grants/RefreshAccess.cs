using TokenVault.Server.Actions;
using TokenVault.Server.Clients;
using TokenVault.Server.Protocol;
using TokenVault.Server.Users;

namespace TokenVault.Server.OAuth.Grants;

/// <summary>What a refresh token is good for now: asked anew each time, for each of it can have changed since it was issued.</summary>
internal sealed class RefreshAccess(MultiResourcePolicy multiResource, MultiFactorTokens multiFactor, PostLoginActions actions)
{
    public async ValueTask<Outcome<ApiAccess>> FindAsync(
        RefreshToken record, User user, TokenRequest request, CancellationToken cancellationToken)
    {
        var (parameters, client) = (request.Parameters, request.Client);
        if (await multiFactor.RefusalAsync(record, cancellationToken) is { } oneFactor)
        {
            return oneFactor;
        }

        var audience = parameters["audience"] ?? parameters["resource"] ?? record.Audience;
        var candidates = await multiResource.CandidatesAsync(record, client, audience, cancellationToken);
        if (candidates.Failed(out var refused))
        {
            return refused;
        }

        // Scopes that are not to be had are left out silently; SDKs ask for more than they need.
        var requested = Scope.Parse(parameters["scope"]);
        var scopes = requested.Count == 0 ? candidates.Value : [.. candidates.Value.Where(requested.Contains)];
        var login = new PostLogin(TransactionProtocol.RefreshToken, client, request.Origin, user)
        {
            Audience = audience,
            RequestedScopes = requested,
            Methods = record.Methods,
        };
        return await actions.AccessAsync(login, scopes, request.Proven, cancellationToken);
    }
}
