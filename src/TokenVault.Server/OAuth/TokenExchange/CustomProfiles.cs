using TokenVault.Server.Clients;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.OAuth.TokenExchange;

/// <summary>Foreign tokens, by the profile that is there for their type. This server does not read them: without an action that does, none is exchanged.</summary>
internal sealed class CustomProfiles(RecordCache cache, IEnumerable<ProfileDecision> decisions)
{
    public async ValueTask<Outcome<DelegationSubject>> ReadAsync(DelegationRequest request, TokenRequest caller, CancellationToken cancellationToken)
    {
        if (await cache.FindByKeyAsync<TokenExchangeProfile>("subject-token-type", request.SubjectTokenType, cancellationToken) is not { } profile)
        {
            return OAuthError.InvalidRequest("There is no token exchange profile for this subject_token_type.");
        }

        foreach (var decide in decisions)
        {
            if (await decide(profile, caller, cancellationToken) is { } decision)
            {
                return decision.Failed(out var refused)
                    ? refused
                    : new DelegationSubject(decision.Value.UserId, ExpiresAt: null) { Scopes = null, Delegation = new Delegation { Actor = decision.Value.Actor } };
            }
        }

        return OAuthError.AccessDenied($"The token exchange profile names the action \"{OAuthError.Shown(profile.ActionId)}\", which this server does not have: nobody can decide whose token it is.");
    }
}
