using TokenVault.Server.Clients;
using TokenVault.Server.Keys;
using TokenVault.Server.OAuth.TokenExchange;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.OAuth.Grants;

/// <summary>
/// RFC 8693: a token for another one of the same user. An API acts on behalf of its caller's user, an actor token says who acts, or the client
/// takes the user's place where it may.
/// 1 the client may → 2 whose token → 3 who acts → 4 for which API, with which scopes → 5 for how long → 6 audit, then answer.
/// </summary>
internal sealed class TokenExchangeGrant(
    SubjectTokens subjects, ActorTokens actors, CustomProfiles profiles, DelegationPolicy policy, TokenIssuer issuer, DelegationAudit audit) : IGrant
{
    public string Type => Wire.TokenExchange;

    public async ValueTask<Outcome<TokenResponse>> RedeemAsync(TokenRequest request, CancellationToken cancellationToken)
    {
        var attempt = new DelegationAttempt(request);
        var wanted = DelegationRequest.Parse(request.Parameters);
        if (wanted.Failed(out var malformed))
        {
            return await audit.FailedAsync(attempt, malformed);
        }

        // 1 the client may: asked each time.
        attempt = attempt with { Request = wanted.Value };
        if (DelegationPolicy.ClientRefusal(request.Client) is { } mayNot)
        {
            return await audit.FailedAsync(attempt, mayNot);
        }

        // 2 whose token?
        var subject = await SubjectAsync(attempt, cancellationToken);
        if (subject.Failed(out var noSubject))
        {
            return await audit.FailedAsync(attempt, noSubject);
        }

        attempt = attempt with { Subject = subject.Value };
        var decided = await DecideAsync(attempt, wanted.Value, subject.Value, cancellationToken);
        if (decided.Failed(out var refused))
        {
            return await audit.FailedAsync(attempt, refused);
        }

        // 6 the audit row is durable before the token leaves.
        var response = issuer.ForExchange(request.Client, decided.Value);
        await audit.SucceededAsync(attempt, decided.Value, response);
        return response;
    }

    private async ValueTask<Outcome<DelegationSubject>> SubjectAsync(DelegationAttempt attempt, CancellationToken cancellationToken)
    {
        var (request, caller) = (attempt.Request!, attempt.Caller);
        if (!request.IsCustom)
        {
            return await subjects.ReadAsync(request, caller, cancellationToken);
        }

        if (DelegationPolicy.KindRefusal(caller.Client, TokenExchangeSettings.Custom) is { } notCustom)
        {
            return notCustom;
        }

        var decided = await profiles.ReadAsync(request, caller, cancellationToken);
        return decided.Failed(out _) ? decided : await subjects.AliveAsync(decided.Value, cancellationToken);
    }

    private async ValueTask<Outcome<ExchangedToken>> DecideAsync(
        DelegationAttempt attempt, DelegationRequest request, DelegationSubject subject, CancellationToken cancellationToken)
    {
        var caller = attempt.Caller;
        if (await policy.MultiFactorRefusalAsync(subject, cancellationToken) is { } oneFactor)
        {
            return oneFactor;
        }

        // 3 who acts?
        var actor = await ActorAsync(attempt, request, subject, cancellationToken);
        if (actor.Failed(out var noActor))
        {
            return noActor;
        }

        // 4 for which API, with which scopes?
        var access = await policy.AccessAsync(request, caller, subject, cancellationToken);
        if (access.Failed(out var noAccess))
        {
            return noAccess;
        }

        // 5 for how long?
        var ofApi = access.Value.Claims(caller.Client.ClientId, subject.UserId).Lifetime;
        if (policy.Lifetime(ofApi, caller.Client, subject.ExpiresAt, actor.Value.ExpiresAt) is not { } lifetime)
        {
            return OAuthError.InvalidRequest("The subject token is invalid or expired.");
        }

        // What limits who may act goes on limiting it.
        return new ExchangedToken(subject.UserId, access.Value, lifetime, request.IssuedTokenType)
        {
            Methods = subject.Methods,
            Delegation = subject.Delegation with { Actor = actor.Value.Chain },
        };
    }

    private async ValueTask<Outcome<(ActorChain? Chain, DateTimeOffset? ExpiresAt)>> ActorAsync(
        DelegationAttempt attempt, DelegationRequest request, DelegationSubject subject, CancellationToken cancellationToken)
    {
        var client = attempt.Caller.Client;
        if (request.IsCustom)
        {
            // The action has judged the actor token, too.
            var chain = subject.Delegation.Actor;
            return chain is not null && policy.ActorRefusal(subject, chain, chain) is { } tooDeep ? tooDeep : (chain, null);
        }

        if (DelegationPolicy.KindRefusal(client, attempt.IsOnBehalfOf ? TokenExchangeSettings.OnBehalfOf : null) is { } notThisKind)
        {
            return notThisKind;
        }

        var (carried, itself) = (subject.Delegation.Actor, ActorChain.Of(client.ClientId, client.ClientId, Prior(subject, client)));
        if (request.ActorToken is not null)
        {
            var actor = await actors.ReadAsync(request, attempt.Caller, Prior(subject, client), cancellationToken);
            return actor.Failed(out var invalid) ? invalid
                : policy.ActorRefusal(subject, actor.Value.Chain, actor.Value.Chain) is { } mayNot ? mayNot
                : (actor.Value.Chain, actor.Value.ExpiresAt);
        }

        if (subject.IsForCallersApi)
        {
            return policy.ActorRefusal(subject, itself, itself) is { } mayNot ? mayNot : (itself, null);
        }

        if (client.TokenExchange is not { AllowImpersonation: true })
        {
            return OAuthError.UnauthorizedClient("The client may not take the user's place: send an actor_token.");
        }

        return policy.ActorRefusal(subject, itself, carried) is { } unnamed ? unnamed : (carried, null);
    }

    /// <summary>Who acted before: whoever the subject token names, else the client that it was issued to, when that is another one.</summary>
    private static ActorChain? Prior(DelegationSubject subject, Client client) =>
        subject.Delegation.Actor
        ?? (subject.ClientId is { } issuedTo && issuedTo != client.ClientId ? ActorChain.Of(issuedTo, issuedTo, prior: null) : null);
}
