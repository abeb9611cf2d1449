using TokenVault.Server.Clients;
using TokenVault.Server.Http;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.OAuth.TokenExchange;

/// <summary>What an exchange may come to: never more than the subject token is good for, the client may have, and the API gives.</summary>
internal sealed class DelegationPolicy(ApiAccessPolicy policy, MultiFactorPolicy multiFactor, TokenVaultOptions options, TimeProvider time)
{
    public static OAuthError? ClientRefusal(Client client)
    {
        if (client.IsPublic)
        {
            return OAuthError.UnauthorizedClient("A public client may not exchange tokens.");
        }

        if (!client.IsFirstParty)
        {
            return OAuthError.UnauthorizedClient("Only a first-party client may exchange tokens.");
        }

        return client.OidcConformant ? null : OAuthError.UnauthorizedClient("Only an OIDC-conformant client may exchange tokens.");
    }

    /// <summary>Whether the client may ask in this way: its grant types let it in every way, its <c>token_exchange</c> in those that it lists.</summary>
    public static OAuthError? KindRefusal(Client client, string? type) =>
        client.GrantTypes.Contains(Wire.TokenExchange, StringComparer.Ordinal) || (type is not null && client.TokenExchange?.Allows(type) == true)
            ? null
            : OAuthError.UnauthorizedClient("The client's token_exchange does not allow this kind of exchange.");

    /// <summary>What the chain of actors and <c>may_act</c> forbid (RFC 8693 §4.1, §4.4).</summary>
    /// <param name="acting">Who has to be named: the actor, or the client that takes the subject's place.</param>
    public OAuthError? ActorRefusal(DelegationSubject subject, ActorChain acting, ActorChain? issued)
    {
        if (subject.Delegation.MayAct is { } mayAct && !acting.IsNamedBy(mayAct, options.Issuer))
        {
            return OAuthError.InvalidRequest("The subject token's may_act does not name the actor.");
        }

        // Auth0 counts the levels below the first.
        return issued?.Depth > ActorChain.Deepest
            ? OAuthError.InvalidRequest($"Delegation chain (`act` claim) depth exceeds the maximum allowed limit of {ActorChain.Deepest - 1}")
            : null;
    }

    public async ValueTask<OAuthError?> MultiFactorRefusalAsync(DelegationSubject subject, CancellationToken cancellationToken) =>
        await multiFactor.DemandsMoreAsync(subject.Methods, cancellationToken)
            ? new OAuthError(401, "mfa_required", "Multifactor authentication required: the policy is always, and the subject token is of a session without a second factor.")
            : null;

    public async ValueTask<Outcome<ApiAccess>> AccessAsync(DelegationRequest request, TokenRequest caller, DelegationSubject subject, CancellationToken cancellationToken)
    {
        // A user's token must not become a key to administration.
        if (request.Audience == options.Issuer + ManagementRoutes.BasePath || request.Audience == options.Issuer + "userinfo")
        {
            return OAuthError.InvalidTarget("Tokens for this API are not to be had by exchange.");
        }

        // Nobody can be asked here.
        if (subject.Audience != request.Audience && !await policy.AsksNoConsentAsync(caller.Client, request.Audience, cancellationToken))
        {
            return OAuthError.InvalidTarget("There is no API with this identifier that the client may have tokens for without the user's consent.");
        }

        var scopes = await CandidatesAsync(request, caller.Client, subject, cancellationToken);
        var access = await policy.ForUserAsync(caller.Client, request.Audience, scopes, cancellationToken);
        if (access.Failed(out var refused))
        {
            return OAuthError.InvalidTarget(refused.Description);
        }

        if (request.Scopes.Count > 0 && access.Value.Scopes.Count == 0)
        {
            return OAuthError.InvalidScope("None of the requested scopes can be had with this subject token.");
        }

        return access.Value.Bind(caller.Client, caller.Proven);
    }

    /// <summary>How long the new token lives: not longer than what it comes from; null when that is over.</summary>
    public TimeSpan? Lifetime(TimeSpan ofApi, Client client, params ReadOnlySpan<DateTimeOffset?> ends)
    {
        var now = time.GetUtcNow();
        var life = client.AgentPolicy is { MaxLifetime: > 0 and var most } && most < ofApi.TotalSeconds ? TimeSpan.FromSeconds(most) : ofApi;
        foreach (var end in ends)
        {
            life = end is { } until && until - now < life ? until - now : life;
        }

        return life >= TimeSpan.FromSeconds(1) ? life : null;
    }

    private async ValueTask<IReadOnlyList<string>> CandidatesAsync(DelegationRequest request, Client client, DelegationSubject subject, CancellationToken cancellationToken)
    {
        var most = (subject.Scopes ?? []).Union(await FurtherAsync(request, client, subject, cancellationToken), StringComparer.Ordinal);

        // No refresh token comes of an exchange; and who the user is, at the userinfo endpoint, only whoever asks may learn.
        return request.Scopes.Count == 0
            ? [.. most.Where(scope => !ApiAccessPolicy.IsOpenIdScope(scope))]
            : [.. most.Where(scope => scope != Wire.OfflineAccess && request.Scopes.Contains(scope, StringComparer.Ordinal))];
    }

    /// <summary>
    /// Scopes have no meaning beyond their API: the subject token's own count at another one as far as that has the same. Those of another name
    /// are there where the operator granted them to the client for that API, and lets it act on behalf of users. Where an action has decided
    /// whose token it is, that is as good as a sign-in.
    /// </summary>
    private async ValueTask<IReadOnlyList<string>> FurtherAsync(DelegationRequest request, Client client, DelegationSubject subject, CancellationToken cancellationToken)
    {
        if (subject.Scopes is null)
        {
            return request.Scopes;
        }

        var further = subject.Audience is null || (subject.Audience != request.Audience && client.TokenExchange?.Allows(TokenExchangeSettings.OnBehalfOf) == true);
        return further ? await policy.GrantedByOperatorAsync(client, request.Audience, cancellationToken) : [];
    }
}
