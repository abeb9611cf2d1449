using System.Text.Json.Nodes;
using TokenVault.Server.Audit;
using TokenVault.Server.Diagnostics;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Tokensets;

/// <summary>
/// Brings a provider's answer into the store, whatever has happened to the tokenset meanwhile. Nothing that a provider gave is
/// dropped: it is applied, kept as a spare, or handed to the outbox that revokes it.
/// </summary>
internal sealed class RefreshLanding(
    IStorage storage, TokensetSealer sealer, RefreshKeeping keeping, RevocationOutbox outbox, AuditLog audit, ILogger<RefreshLanding> logger)
{
    /// <summary>One try; throws when the store cannot take it now.</summary>
    /// <param name="lease">The lease that the attempt holds; null when it is landed later, from the spool.</param>
    public async Task<RefreshResult> LandAsync(SpooledAnswer answer, RefreshLease? lease)
    {
        if (answer.Tokens is not { } tokens)
        {
            return await KeepUnreadAsync(answer);
        }

        // A crash from here to the commit can cost a single-use grant, so the first try is without a read: while the lease is ours, the
        // row is most likely what the claim left, and the commit says when it is not.
        var fenced = lease is not null;
        for (var current = lease?.Claimed ?? await ReadAsync(answer); ; current = await ReadAsync(answer))
        {
            var sameGrant = current?.GrantId == answer.Claimed.GrantId;
            var applies = current is not null && (sameGrant ? current.Generation == answer.Attempt.Generation : HoldsWhatWasSent(current, tokens));
            if (!applies && await HasLandedAsync(answer))
            {
                return current is null ? RefreshResult.Gone() : RefreshResult.Of(current);
            }

            var result = applies
                ? await ApplyAsync(answer, tokens, current!, lease, fenced)
                : await (current is null ? WithdrawAsync(answer, tokens, lease) : KeepSpareAsync(answer, tokens, current, lease));
            if (result is not null)
            {
                return result;
            }

            // The lease went to another node, which has not stored anything newer yet: the version decides now.
            fenced = false;
        }
    }

    private ValueTask<Tokenset?> ReadAsync(SpooledAnswer answer) => storage.FindAsync<Tokenset>(answer.Claimed.Id, CancellationToken.None);

    /// <summary>A commit whose confirmation was lost, or a crash before the spool was cleared, brings an answer here twice.</summary>
    private async Task<bool> HasLandedAsync(SpooledAnswer answer) =>
        await storage.FindAsync<RefreshReceipt>(answer.Attempt.Id, CancellationToken.None) is { Unread: false };

    /// <summary>
    /// A new consent that brought no refresh token kept the one that this refresh has used up; without the successor it would die
    /// with its access token.
    /// </summary>
    private bool HoldsWhatWasSent(Tokenset current, ReceivedTokens tokens) =>
        sealer.Open(current).RefreshToken is { } held && Identifier.Hash(held.Reveal()) == tokens.SentHash;

    private async Task<RefreshResult?> ApplyAsync(
        SpooledAnswer answer, ReceivedTokens tokens, Tokenset current, RefreshLease? lease, bool fenced)
    {
        var (accessToken, former) = sealer.Open(current);
        var sameGrant = current.GrantId == answer.Claimed.GrantId;
        var renewed = sameGrant ? Renewed(current, tokens, former) : WithSuccessor(current, accessToken, former, tokens);
        var batch = Releasing(lease).Replace(renewed);
        batch.Put(keeping.Receipt(current, answer.Attempt, tokens)).Append(audit.Row(Event(AuditType.TokensetRefreshed, renewed)));
        if (fenced)
        {
            batch.RequireFence(lease!.Name, lease.Fence);
        }

        // It was given up, or nobody knew whether the provider still honoured what is stored.
        if (current.State == TokensetState.ReauthorizationRequired || answer.Attempt.UnknownSince is not null)
        {
            batch.Append(audit.Row(Event(AuditType.TokensetRecovered, renewed)));
        }

        var result = await storage.CommitAsync(batch);
        return result.Committed ? RefreshResult.Of(renewed with { Version = current.Version + 1 }) : null;
    }

    /// <summary>
    /// A newer generation is stored, and ours may be the one that the provider still honours; or the user has consented anew, and
    /// revoking what came for the old consent might end the new one too.
    /// </summary>
    private async Task<RefreshResult?> KeepSpareAsync(SpooledAnswer answer, ReceivedTokens tokens, Tokenset current, RefreshLease? lease)
    {
        Log.SpareKept(logger, current.Id);
        var spare = keeping.Spare(answer.Attempt.Id, current with { GrantId = answer.Claimed.GrantId }, tokens);

        // A new version, so that a removal of the account cannot miss the spare.
        var result = await storage.CommitAsync(Releasing(lease).Replace(current).Put(spare));
        return result.Committed ? RefreshResult.Of(current) : null;
    }

    /// <summary>The account is gone: the provider is to forget what came for it.</summary>
    private async Task<RefreshResult?> WithdrawAsync(SpooledAnswer answer, ReceivedTokens tokens, RefreshLease? lease)
    {
        var batch = outbox.Enqueue(Releasing(lease), TokenOwner.Of(answer.Claimed), answer.Connection, tokens.Access, tokens.Refresh);
        return (await storage.CommitAsync(batch)).Committed ? RefreshResult.Gone() : null;
    }

    /// <summary>Puts a spare in the place of a refresh token that the provider refuses; false when there is none to try.</summary>
    public async Task<bool> UseSpareAsync(Tokenset refused, RefreshLease lease)
    {
        foreach (var spare in (await keeping.SparesAsync(refused.Id)).Where(spare => spare.GrantId == refused.GrantId))
        {
            if (keeping.Open(spare) is not { } tokens)
            {
                continue;
            }

            var (_, former) = sealer.Open(refused);
            var renewed = Renewed(refused, tokens, former);
            var batch = Releasing(lease).Replace(renewed).Delete(spare)
                .Append(audit.Row(Event(AuditType.TokensetRefreshed, renewed)))
                .Append(audit.Row(Event(AuditType.TokensetRecovered, renewed)));
            if (!(await storage.CommitAsync(batch)).Committed)
            {
                // The row has moved: what stands there now is not what was refused.
                await storage.CommitAsync(Releasing(lease));
            }

            return true;
        }

        return false;
    }

    /// <summary>A success that could not be read: kept for the operator, and told.</summary>
    private async Task<RefreshResult> KeepUnreadAsync(SpooledAnswer answer)
    {
        Log.AnswerUnread(logger, answer.Claimed.Id, answer.Attempt.Id);
        await storage.CommitAsync(new Batch().Put(keeping.UnreadReceipt(answer)).Append(audit.Row(Event(AuditType.TokensetAnswerUnread, answer.Claimed))));
        return RefreshResult.Unavailable("the answer could not be read", retryAfter: null);
    }

    private static Batch Releasing(RefreshLease? lease) => lease is null ? new Batch() : new Batch().ReleaseLease(lease.Name, lease.Fence);

    /// <summary>The new consent's own access token and scopes stay.</summary>
    private Tokenset WithSuccessor(Tokenset current, Secret accessToken, Secret? former, ReceivedTokens tokens) =>
        sealer.Seal(current with { Attempt = null, RefreshTokenExpiresAt = EndOf(current, tokens) }, accessToken, tokens.Refresh ?? former);

    /// <summary>A provider that says nothing of the refresh token it had already given leaves its end where it was.</summary>
    private static DateTimeOffset? EndOf(Tokenset current, ReceivedTokens tokens) =>
        tokens.Refresh is null ? tokens.RefreshTokenExpiresAt ?? current.RefreshTokenExpiresAt : tokens.RefreshTokenExpiresAt;

    private Tokenset Renewed(Tokenset current, ReceivedTokens tokens, Secret? former)
    {
        var renewed = current with
        {
            State = TokensetState.Active,
            Attempt = null,
            Scopes = tokens.Scopes ?? current.Scopes,
            IssuedAt = tokens.ReceivedAt,
            AccessTokenExpiresAt = tokens.ExpiresAt,
            RefreshTokenExpiresAt = EndOf(current, tokens),
        };

        // An answer without a refresh token leaves the one we hold valid (RFC 6749 §6).
        return sealer.Seal(renewed, tokens.Access, tokens.Refresh ?? former);
    }

    public static AuditEvent Event(string type, Tokenset tokenset) => new()
    {
        Type = type,
        UserId = tokenset.UserId,
        Connection = tokenset.Connection,
        ConnectionId = tokenset.ConnectionId,
        Scope = Scope.Format(tokenset.Scopes),
        Details = new JsonObject { ["tokenset_id"] = tokenset.Id, ["generation"] = tokenset.Generation },
    };
}
