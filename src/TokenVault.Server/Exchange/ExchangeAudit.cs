using System.Globalization;
using System.Text.Json.Nodes;
using TokenVault.Server.Approvals;
using TokenVault.Server.Audit;
using TokenVault.Server.Clients;
using TokenVault.Server.Diagnostics;
using TokenVault.Server.Http;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Tokensets;

namespace TokenVault.Server.Exchange;

/// <summary>What is known of an exchange while it runs.</summary>
internal sealed record ExchangeAttempt(ExchangeRequest Request, Client Client, RequestOrigin Origin)
{
    /// <summary>Null before it is read.</summary>
    public Subject? Subject { get; init; }

    /// <summary>Whether it may go by remembered rows, which its commit then requires.</summary>
    public Recall Recall { get; init; } = Recall.None;

    /// <summary>The user's, where a rule demands one: the token leaves in the commit that uses it up.</summary>
    public Approval? Approval { get; init; }

    /// <summary>How much actions let the token be good for; null: they say nothing of it.</summary>
    public IReadOnlyList<string>? MostScopes { get; init; }

    /// <summary>An action demands the user's approval.</summary>
    public bool RequiresApproval { get; init; }

    public string? UserId => Subject is { User: { Error: null } user } ? user.Value.UserId : null;
}

/// <summary>The trace that every exchange leaves before its answer does, and the clock it goes by.</summary>
internal sealed class ExchangeAudit(IStorage storage, AuditLog audit, TokensetUses uses, TimeProvider time, ILogger<ExchangeAudit> logger)
{
    /// <summary>What SDKs are told of a token that never ends: they need a number (contracted for caching).</summary>
    public const long LifetimeOfEndless = 3600;

    public DateTimeOffset Now => time.GetUtcNow();

    /// <summary>Computed when the answer is made, and never below one (F-19).</summary>
    public long SecondsLeft(Tokenset tokenset) =>
        tokenset.AccessTokenExpiresAt is { } end ? Math.Max(1, (long)(end - Now).TotalSeconds) : LifetimeOfEndless;

    /// <summary>Returns when the row is durable, and with it that a worker's token is used up (T-PW-03).</summary>
    public async ValueTask<Delivery> SucceededAsync(ExchangeAttempt attempt, Tokenset tokenset, Secret issued)
    {
        var scope = Scope.Format(tokenset.Scopes);
        var row = Event(AuditType.SuccessfulVaultExchange, attempt) with
        {
            ConnectionId = tokenset.ConnectionId,
            Scope = scope,
            Details = JsonValue.Create(Details(attempt, tokenset, scope, issued), AuditJson.Default.ExchangeDetails),
        };
        var auditRow = audit.Row(row);

        // A refresh that begins or ends without an answer changes the row, but not the tokens in it.
        for (var now = tokenset; now is not null && HoldsSame(now, tokenset); now = await storage.FindAsync<Tokenset>(tokenset.Id, CancellationToken.None))
        {
            var batch = Using(Requiring(attempt), attempt.Approval).Require(now).Append(auditRow);
            var result = await storage.CommitAsync(batch);
            if (result.Committed)
            {
                uses.Note(tokenset);
                Telemetry.Exchanged("success");
                return Delivery.Recorded;
            }

            if (result.Outcome == CommitOutcome.Duplicate)
            {
                return Delivery.Replayed;
            }

            if (attempt.Recall.HasHappened || !await HoldsAsync(attempt.Approval))
            {
                break;
            }
        }

        return Delivery.TokensetChanged;
    }

    private static ExchangeDetails Details(ExchangeAttempt attempt, Tokenset tokenset, string scope, Secret issued) => new()
    {
        SubjectTokenType = attempt.Request.SubjectTokenType,
        IssuedTokenType = attempt.Request.IssuedTokenType,
        Scope = scope,
        ExpiresAt = tokenset.AccessTokenExpiresAt?.ToString("O", CultureInfo.InvariantCulture),
        IsPrivilegedWorker = attempt.Request.IsPrivileged,
        TokenThumbprint = issued.Thumbprint(),
        TokensetId = tokenset.Id,
        ConnectedAccountId = tokenset.AccountId,
        AuditContext = attempt.Subject?.AuditContext,
        ApprovalId = attempt.Approval?.Id,
        RefreshTokenIssued = attempt.Request.AsksForRefreshToken ? true : null,
    };

    /// <summary>What was remembered of the user has to be true still; what was read in this very request is as new as it can be.</summary>
    private static Batch Requiring(ExchangeAttempt attempt)
    {
        var batch = Spending(attempt);
        if (!attempt.Recall.HasHappened)
        {
            return batch;
        }

        batch.Require(attempt.Subject!.User.Value);
        return attempt.Subject.Presented is { } presented ? batch.Require(presented) : batch;
    }

    /// <summary>One that is good once is used up; any other must be there still.</summary>
    private static Batch Using(Batch batch, Approval? approval) => approval switch
    {
        null => batch,
        { ValidFor: 0 } => batch.Replace(approval with { State = ApprovalState.Consumed }),
        _ => batch.Require(approval),
    };

    private async ValueTask<bool> HoldsAsync(Approval? approval) =>
        approval is null || (await storage.FindAsync<Approval>(approval.Id, CancellationToken.None))?.Version == approval.Version;

    private static Batch Spending(ExchangeAttempt attempt) => attempt.Subject?.Spent is { } spent ? new Batch().Insert(spent) : new Batch();

    private static bool HoldsSame(Tokenset now, Tokenset read) =>
        now.GrantId == read.GrantId && now.Generation == read.Generation && now.State == read.State;

    public async ValueTask<OAuthError> FailedAsync(ExchangeAttempt attempt, OAuthError error)
    {
        Telemetry.Exchanged(error.Reason ?? error.Error);
        var details = new JsonObject
        {
            ["subject_token_type"] = attempt.Request.SubjectTokenType,
            ["failure_reason"] = error.Reason ?? error.Error,
            ["is_privileged_worker"] = attempt.Request.IsPrivileged,
        };
        details.With("audit_context", attempt.Subject?.AuditContext);

        // A user who is blocked or gone, or beyond the worker's budget, stands nowhere else in the row (T-PW-09).
        details.With("requested_user_id", attempt.Subject?.Asked?.AskedFor);
        var auditRow = audit.Row(Event(AuditType.FailedVaultExchange, attempt) with
        {
            Description = error.Detail is null ? error.Description : $"{error.Description} ({error.Detail})",
            Details = details,
        });
        if (!(await storage.CommitAsync(Spending(attempt).Append(auditRow))).Committed)
        {
            // Another request has used the worker's token up meanwhile: this one failed all the same.
            await storage.CommitAsync(new Batch().Append(auditRow));
        }

        return error;
    }

    /// <summary>A tokenset that is not what it claims to be: refused, and an alarm for the operator.</summary>
    public async ValueTask<OAuthError> CorruptAsync(ExchangeAttempt attempt, CorruptRecordException corruption, OAuthError error)
    {
        Log.CorruptRecord(logger, corruption, corruption.RecordKind, corruption.RecordId);
        var alarm = Event(AuditType.TokensetCorrupt, attempt) with { Details = new JsonObject { ["tokenset_id"] = corruption.RecordId } };
        await storage.CommitAsync(new Batch().Append(audit.Row(alarm)));
        return await FailedAsync(attempt, error);
    }

    private static AuditEvent Event(string type, ExchangeAttempt attempt) => new AuditEvent
    {
        Type = type,
        ClientId = attempt.Client.ClientId,
        ClientName = attempt.Client.Name,
        Connection = attempt.Request.Connection,
        UserId = attempt.UserId,
    }.From(attempt.Origin);
}

/// <summary>What became of the trace of an exchange that has a token to give.</summary>
internal enum Delivery
{
    /// <summary>It is durable: the token may leave.</summary>
    Recorded,

    /// <summary>There is none, since the tokenset has changed or gone since it was read (T-PW-07), or the approval was used elsewhere.</summary>
    TokensetChanged,

    /// <summary>There is none, since the worker's subject token was used up by another request.</summary>
    Replayed,
}
