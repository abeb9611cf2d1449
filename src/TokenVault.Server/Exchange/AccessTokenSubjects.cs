using TokenVault.Server.Clients;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Exchange;

/// <summary>
/// Whom the access token speaks for that an API was called with. One that is bound to a key is exchanged with a proof of that key only
/// (T-CA-10): made by whoever sends the request, or passed on by the API, which was called with one.
/// </summary>
internal sealed class AccessTokenSubjects(RecordCache cache, AccessTokens accessTokens, ApiAccessPolicy policy, SubjectPossession possession)
{
    public async ValueTask<Outcome<SubjectOwner>> ReadAsync(ExchangeRequest request, Client client, CancellationToken cancellationToken)
    {
        if (request.Admitted is { UserId: { } admitted } caller)
        {
            return new SubjectOwner(admitted, caller.Methods);
        }

        // Only the API that the token is for may exchange it, by the client that stands for that API (T-ST-15).
        if (client.AppType != "resource_server" || client.ResourceServerIdentifier is not { } audience)
        {
            return ExchangeErrors.ClientMayNot(
                "Only a client with app_type resource_server, linked to the access token's API by resource_server_identifier, may exchange an access token.");
        }

        if (await cache.FindByKeyAsync<ResourceServer>("identifier", audience, cancellationToken) is null)
        {
            return ExchangeErrors.ClientMayNot("The client's API does not exist any more.");
        }

        if (accessTokens.Verify(request.SubjectToken.Reveal(), audience, out var problem) is not { } verified)
        {
            return ExchangeErrors.InvalidSubjectToken(problem);
        }

        if (verified.UserId is not { } userId)
        {
            return ExchangeErrors.InvalidSubjectToken("the token is a client's, not a user's");
        }

        if (await cache.FindAsync<Client>(verified.ClientId, cancellationToken) is not { } issuedTo)
        {
            return ExchangeErrors.InvalidSubjectToken("the client that the token was issued to is gone");
        }

        var access = await policy.ForUserAsync(issuedTo, audience, [], cancellationToken);
        if (access.Failed(out _))
        {
            return ExchangeErrors.InvalidSubjectToken("the client that the token was issued to may not use the API any more");
        }

        return possession.Problem(request.SubjectToken, verified.BoundTo, request.Proven, request.SubjectProof) is { } unproven
            ? ExchangeErrors.UnprovenSubjectToken(unproven)
            : new SubjectOwner(userId, verified.Methods);
    }
}
