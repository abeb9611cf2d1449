using System.Text.Json.Nodes;
using TokenVault.Server.Audit;
using TokenVault.Server.Connections;
using TokenVault.Server.Diagnostics;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Tokensets;

/// <summary>
/// One try to have a token revoked. Where its provider account is connected by now, by this user again or by another one, most providers
/// would end that grant with it (RFC 7009 §2.1): then the token is kept beside that one's, and revoked with it.
/// </summary>
internal sealed class RevocationAttempt(
    IStorage storage, RevocationOutbox outbox, RefreshKeeping keeping, ProviderClient provider, AuditLog audit, TimeProvider time)
{
    private static readonly TimeSpan GiveUpAfter = TimeSpan.FromHours(24);
    private static readonly TimeSpan LongestPause = TimeSpan.FromHours(1);

    public async Task RunAsync(PendingRevocation pending, ILogger logger, CancellationToken stopping)
    {
        var token = TokenOf(pending, logger);
        if (token is not null && await ConnectedAsync(pending, logger, stopping) is { } connected)
        {
            await DeferAsync(pending, token, connected);
            return;
        }

        var (supported, failure, successor) = token is null
            ? new(Supported: true, new ProviderFailure(ProviderFailureKind.Misconfigured, "the stored token does not open"))
            : await provider.RevokeAsync(pending.Connection, token, pending.Hint, stopping);
        var now = time.GetUtcNow();
        var ended = failure is null || pending.CreatedAt + GiveUpAfter <= now;
        var next = pending with
        {
            Attempts = pending.Attempts + 1,
            Problem = failure?.Detail,
            State = StateOf(supported, failure, ended),
            SealedToken = ended ? null : successor is null ? pending.SealedToken : outbox.Seal(pending, successor),
            EndedAt = ended ? now : null,
            NextAttemptAt = now + Pause(pending.Attempts),
        };
        var batch = new Batch().Replace(next);
        if (ended)
        {
            batch.Append(audit.Row(Event(next)));
        }

        await storage.CommitAsync(batch);
    }

    /// <summary>Where the provider named nobody, any account that the user has there may be the same.</summary>
    private async Task<Tokenset?> ConnectedAsync(PendingRevocation pending, ILogger logger, CancellationToken stopping)
    {
        var index = pending is { Issuer: { } issuer, UpstreamUserId: { } subject }
            ? Tokenset.UpstreamIndex(pending.Connection.Id, issuer, subject)
            : Tokenset.OwnerIndex(pending.UserId, pending.Connection.Id);
        var tokensets = await storage.ListReadableAsync<Tokenset>(index, logger, stopping);
        return tokensets.Find(tokenset => tokenset.State == TokensetState.Active);
    }

    /// <summary>Under a grant of its own, so that no refresh uses it; and a new version, so that a removal of the account cannot miss it.</summary>
    private async Task DeferAsync(PendingRevocation pending, Secret token, Tokenset connected)
    {
        var now = time.GetUtcNow();
        var refresh = pending.Hint == "refresh_token";
        var tokens = new ReceivedTokens(refresh ? "" : token.Reveal(), refresh ? token.Reveal() : null, Scopes: null, ExpiresAt: null, now, SentHash: "");
        var deferred = pending with { State = RevocationState.Deferred, SealedToken = null, EndedAt = now };
        var spare = keeping.Spare(pending.Id, connected with { GrantId = Identifier.Secret() }, tokens);
        await storage.CommitAsync(new Batch().Replace(connected).Put(spare).Replace(deferred).Append(audit.Row(Event(deferred))));
    }

    private Secret? TokenOf(PendingRevocation pending, ILogger logger)
    {
        try
        {
            return outbox.TokenOf(pending);
        }
        catch (BrokenSealException e)
        {
            Log.CorruptRecord(logger, e, PendingRevocation.Kind, pending.Id);
            return null;
        }
    }

    private static RevocationState StateOf(bool supported, ProviderFailure? failure, bool ended)
    {
        if (failure is null)
        {
            return supported ? RevocationState.Revoked : RevocationState.NotSupported;
        }

        return ended ? RevocationState.Failed : RevocationState.Pending;
    }

    private static TimeSpan Pause(int attempts)
    {
        var doubled = TimeSpan.FromMinutes(Math.Pow(2, Math.Min(attempts, 10)));
        return doubled < LongestPause ? doubled : LongestPause;
    }

    private static AuditEvent Event(PendingRevocation revocation) => new()
    {
        Type = revocation.State == RevocationState.Failed ? AuditType.TokenRevocationFailed : AuditType.TokenRevoked,
        Description = revocation.Problem,
        UserId = revocation.UserId,
        Connection = revocation.Connection.Name,
        ConnectionId = revocation.Connection.Id,
        Details = new JsonObject
        {
            ["tokenset_id"] = revocation.TokensetId,
            ["connected_account_id"] = revocation.AccountId,
            ["state"] = RevocationStates.Name(revocation.State),
            ["attempts"] = revocation.Attempts,
        },
    };
}
