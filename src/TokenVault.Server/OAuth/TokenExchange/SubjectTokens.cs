using TokenVault.Server.Clients;
using TokenVault.Server.Exchange;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Users;

namespace TokenVault.Server.OAuth.TokenExchange;

/// <summary>
/// Reads the subject token: an access token of this server, presented by its own client or by the API that it is for, or an ID token, by its own
/// client. The user, the clients, the API and the grants behind it are looked up each time (T-ST-11). Whatever is wrong with the token is
/// <c>invalid_request</c> (RFC 8693 §2.2.2).
/// </summary>
internal sealed class SubjectTokens(
    IStorage storage, RecordCache cache, AccessTokens accessTokens, IdTokens idTokens, ApiAccessPolicy policy, SubjectPossession possession)
{
    public async ValueTask<Outcome<DelegationSubject>> ReadAsync(DelegationRequest request, TokenRequest caller, CancellationToken cancellationToken)
    {
        var token = request.SubjectToken.Reveal();
        var problem = "not an ID token of the client";
        if (request.SubjectTokenType != Wire.IdTokenType && accessTokens.Verify(token, audience: null, out problem) is { } accessToken)
        {
            return await OfAccessTokenAsync(accessToken, request, caller, cancellationToken);
        }

        return request.SubjectTokenType != Wire.AccessTokenType && idTokens.ReadSubject(token, caller.Client.ClientId) is { } idToken
            ? await OfIdTokenAsync(idToken, caller.Client, cancellationToken)
            : Invalid(problem);
    }

    /// <summary>Who was decided by an action; and what else of the user has to hold for everybody.</summary>
    public async ValueTask<Outcome<DelegationSubject>> AliveAsync(DelegationSubject subject, CancellationToken cancellationToken) =>
        await storage.FindAsync<User>(subject.UserId, cancellationToken) is { Blocked: false } ? subject : Invalid("the user is blocked or gone");

    private async ValueTask<Outcome<DelegationSubject>> OfAccessTokenAsync(
        AccessToken token, DelegationRequest request, TokenRequest caller, CancellationToken cancellationToken)
    {
        var client = caller.Client;
        if (token.UserId is not { } userId)
        {
            return Invalid("the token is a client's, not a user's");
        }

        var own = string.Equals(token.ClientId, client.ClientId, StringComparison.Ordinal);
        var ofApi = client is { AppType: "resource_server", ResourceServerIdentifier: { } identifier } && token.Audiences.Contains(identifier, StringComparer.Ordinal);
        if (!own && !ofApi)
        {
            return Invalid("the token is neither the client's own nor for the API that the client stands for");
        }

        var audience = ofApi ? client.ResourceServerIdentifier : token.Audiences.FirstOrDefault(aud => aud != accessTokens.UserinfoAudience) ?? accessTokens.UserinfoAudience;
        if (await cache.FindAsync<Client>(token.ClientId, cancellationToken) is not { } issuedTo)
        {
            return Invalid("the client that the token was issued to is gone");
        }

        var access = await policy.ForUserAsync(issuedTo, audience, token.Scopes, cancellationToken);
        if (access.Failed(out var withdrawn))
        {
            return Invalid("what the token was issued for is not allowed any more: " + withdrawn.Description);
        }

        // An API cannot prove its caller's key; whoever calls for itself can.
        var unproven = ofApi
            ? possession.Problem(request.SubjectToken, token.BoundTo, caller.Proven, request.SubjectProof)
            : token.BoundTo.IsMetBy(caller.Proven) ? null : "the token is bound to a key that the request does not prove";
        return unproven is null
            ? await AliveAsync(Of(token, userId, audience, access.Value) with { IsForCallersApi = ofApi }, cancellationToken)
            : OAuthError.InvalidRequest("The subject token is bound to a key that nothing proves.") with { Detail = unproven };
    }

    private static DelegationSubject Of(AccessToken token, string userId, string? audience, ApiAccess access) => new(userId, token.ExpiresAt)
    {
        ClientId = token.ClientId,
        Audience = audience,
        Scopes = [.. token.Scopes.Intersect(access.Scopes, StringComparer.Ordinal)],
        Methods = token.Methods,
        Delegation = token.Delegation,
    };

    /// <summary>It says who signed in and grants nothing; and only as long as they are signed in.</summary>
    private async ValueTask<Outcome<DelegationSubject>> OfIdTokenAsync(IdTokenSubject token, Client client, CancellationToken cancellationToken)
    {
        var userId = token.Proof.Subject;
        if (token.SessionId is { } session && (await storage.FindAsync<Session>(session, cancellationToken))?.UserId != userId)
        {
            return Invalid("the session of the ID token is over");
        }

        if (await storage.FindAsync<User>(userId, cancellationToken) is { } user && token.Proof.Precedes(user))
        {
            return Invalid("the ID token is older than the user's identities");
        }

        return await AliveAsync(
            new DelegationSubject(userId, token.ExpiresAt) { ClientId = client.ClientId, Methods = token.Methods, Delegation = token.Delegation }, cancellationToken);
    }

    private static OAuthError Invalid(string detail) => OAuthError.InvalidRequest("The subject token is invalid or expired.") with { Detail = detail };
}
