using System.Text.Json.Nodes;
using TokenVault.Server.Audit;
using TokenVault.Server.Http;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.OAuth.TokenExchange;

/// <summary>What is known of an exchange while it runs.</summary>
internal sealed record DelegationAttempt(TokenRequest Caller)
{
    /// <summary>Null: the request was not understood.</summary>
    public DelegationRequest? Request { get; init; }

    /// <summary>Null before it is read.</summary>
    public DelegationSubject? Subject { get; init; }

    /// <summary>An API calls another one for its caller's user. Before the subject token is read, by what the client is.</summary>
    public bool IsOnBehalfOf =>
        Request is { ActorToken: null, IsCustom: false } && (Subject?.IsForCallersApi ?? Caller.Client.AppType == "resource_server");
}

/// <summary>The trace that every exchange of RFC 8693 leaves before its answer does.</summary>
internal sealed class DelegationAudit(IStorage storage, AuditLog audit)
{
    public async ValueTask<OAuthError> FailedAsync(DelegationAttempt attempt, OAuthError error)
    {
        var row = Event(attempt.IsOnBehalfOf ? AuditType.FailedOnBehalfOf : AuditType.FailedTokenExchange, attempt) with
        {
            Description = error.Detail is null ? error.Description : $"{error.Description} ({error.Detail})",
        };
        await storage.CommitAsync(new Batch().Append(audit.Row(row)));
        return error;
    }

    public async ValueTask SucceededAsync(DelegationAttempt attempt, ExchangedToken token, TokenResponse response)
    {
        var row = Event(attempt.IsOnBehalfOf ? AuditType.SuccessfulOnBehalfOf : AuditType.SuccessfulTokenExchange, attempt) with { Scope = response.Scope };
        row.Details!["issued_token_type"] = response.IssuedTokenType;
        row.Details["expires_in"] = response.ExpiresIn;
        row.Details["token_thumbprint"] = response.AccessToken.Thumbprint();
        row.Details.AsObject().With("act", token.Delegation.Actor?.ToJson());
        await storage.CommitAsync(new Batch().Append(audit.Row(row)));
    }

    private static AuditEvent Event(string type, DelegationAttempt attempt)
    {
        var details = new JsonObject { ["subject_token_type"] = attempt.Request?.SubjectTokenType };
        details.With("actor_token_type", attempt.Request?.ActorTokenType).With("subject_client_id", attempt.Subject?.ClientId);
        return TokenIssuer.Event(type, attempt.Caller.Client, attempt.Caller.Origin) with
        {
            UserId = attempt.Subject?.UserId,
            Audience = attempt.Request?.Audience,
            Details = details,
        };
    }
}
