using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Users;

namespace TokenVault.Server.OAuth.TokenExchange;

/// <summary>
/// Who acts: whom the actor token speaks for, which is a token of this server and of the very client that presents it, so that nobody acts in
/// somebody else's name (RFC 8693 §2.1); or the client itself.
/// </summary>
internal sealed class ActorTokens(IStorage storage, AccessTokens accessTokens, IdTokens idTokens)
{
    public async ValueTask<Outcome<DelegationActor>> ReadAsync(DelegationRequest request, TokenRequest caller, ActorChain? prior, CancellationToken cancellationToken)
    {
        var (token, type, clientId) = (request.ActorToken!.Reveal(), request.ActorTokenType, caller.Client.ClientId);
        var problem = "not an ID token of the client";
        if (type != Wire.IdTokenType && accessTokens.Verify(token, audience: null, out problem) is { } accessToken)
        {
            return accessToken.ClientId != clientId ? Invalid("the token is another client's")
                : accessToken.BoundTo.IsMetBy(caller.Proven) ? await OfAsync(accessToken.UserId, accessToken.ExpiresAt, accessToken.Delegation)
                : Invalid("the token is bound to a key that the request does not prove");
        }

        return type != Wire.AccessTokenType && idTokens.ReadSubject(token, clientId) is { } idToken
            ? await OfAsync(idToken.Proof.Subject, idToken.ExpiresAt, idToken.Delegation)
            : Invalid(problem);

        async ValueTask<Outcome<DelegationActor>> OfAsync(string? userId, DateTimeOffset expiresAt, Delegation delegation)
        {
            if (delegation.Actor is not null)
            {
                return Invalid("somebody else acts for the actor already");
            }

            return userId is null || await storage.FindAsync<User>(userId, cancellationToken) is { Blocked: false }
                ? new DelegationActor(ActorChain.Of(userId ?? clientId, clientId, prior), expiresAt)
                : Invalid("the user of the token is blocked or gone");
        }
    }

    private static OAuthError Invalid(string detail) => OAuthError.InvalidRequest("The actor token is invalid or expired.") with { Detail = detail };
}

/// <param name="ExpiresAt">Null: it is the client itself.</param>
internal sealed record DelegationActor(ActorChain Chain, DateTimeOffset? ExpiresAt);
