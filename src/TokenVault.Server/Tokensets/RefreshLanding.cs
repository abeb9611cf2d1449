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
    IStorage storage, TokensetSealer sealer, KeyRing ring, RevocationOutbox outbox, AuditLog audit, ILogger<RefreshLanding> logger)
{
    private static readonly TimeSpan Memory = TimeSpan.FromHours(24);

    /// <summary>One try; throws when the store cannot take it now.</summary>
    /// <param name="lease">The lease that the attempt holds; null when it is landed later, from the spool.</param>
    public async Task<RefreshResult> LandAsync(SpooledAnswer answer, RefreshLease? lease)
    {
        if (answer.Tokens is not { } tokens)
        {
            return await KeepUnreadAsync(answer);
        }

        var fence = lease;
        while (true)
        {
            var current = await storage.FindAsync<Tokenset>(answer.Claimed.Id, CancellationToken.None);
            var sameGrant = current?.GrantId == answer.Claimed.GrantId;
            var applies = current is not null && (sameGrant ? current.Generation == answer.Attempt.Generation : HoldsWhatWasSent(current, tokens));
            if (!applies && await HasLandedAsync(answer))
            {
                return current is null ? RefreshResult.Gone() : RefreshResult.Of(current);
            }

            var result = applies
                ? await ApplyAsync(answer, tokens, current!, fence)
                : await (sameGrant ? KeepSpareAsync(answer, tokens, current!, lease) : WithdrawAsync(answer, tokens, current, lease));
            if (result is not null)
            {
                return result;
            }

            // The lease went to another node, which has not stored anything newer yet: the version decides now.
            fence = null;
        }
    }

    /// <summary>A commit whose confirmation was lost, or a crash before the spool was cleared, brings an answer here twice.</summary>
    private async Task<bool> HasLandedAsync(SpooledAnswer answer) =>
        await storage.FindAsync<RefreshReceipt>(answer.Attempt.Id, CancellationToken.None) is { Unread: false };

    /// <summary>
    /// A new consent that brought no refresh token kept the one that this refresh has used up; without the successor it would die
    /// with its access token.
    /// </summary>
    private bool HoldsWhatWasSent(Tokenset current, ReceivedTokens tokens) =>
        sealer.Open(current).RefreshToken is { } held && Identifier.Hash(held.Reveal()) == tokens.SentHash;

    private async Task<RefreshResult?> ApplyAsync(SpooledAnswer answer, ReceivedTokens tokens, Tokenset current, RefreshLease? lease)
    {
        var (accessToken, former) = sealer.Open(current);
        var sameGrant = current.GrantId == answer.Claimed.GrantId;
        var renewed = sameGrant ? Renewed(current, tokens, former) : WithSuccessor(current, accessToken, former, tokens);
        var batch = new Batch();
        if (lease is not null)
        {
            batch.RequireFence(lease.Name, lease.Fence);
        }

        batch.Replace(renewed).Put(Receipt(answer, tokens, current)).Append(audit.Row(Event(AuditType.TokensetRefreshed, renewed)));
        if (lease is not null)
        {
            batch.ReleaseLease(lease.Name, lease.Fence);
        }

        var result = await storage.CommitAsync(batch);
        return result.Committed ? RefreshResult.Of(renewed with { Version = current.Version + 1 }) : null;
    }

    /// <summary>A newer generation is stored: ours may be the one that the provider still honours.</summary>
    private async Task<RefreshResult?> KeepSpareAsync(SpooledAnswer answer, ReceivedTokens tokens, Tokenset current, RefreshLease? lease)
    {
        Log.SpareKept(logger, current.Id);
        var spare = new RefreshSpare
        {
            Id = answer.Attempt.Id,
            TokensetId = current.Id,
            GrantId = current.GrantId,
            UserId = current.UserId,
            AccountId = current.AccountId,
            ConnectionId = current.ConnectionId,
            SealedAnswer = tokens.Seal(ring, SpareAad(answer.Attempt.Id, current)),
            ReceivedAt = tokens.ReceivedAt,
            ForgottenAt = tokens.ReceivedAt + Memory,
        };
        var result = await storage.CommitAsync(Releasing(lease).Require(current).Put(spare));
        return result.Committed ? RefreshResult.Of(current) : null;
    }

    /// <summary>The account is gone, or connected anew: what came for the old grant is to be forgotten by the provider too.</summary>
    private async Task<RefreshResult?> WithdrawAsync(SpooledAnswer answer, ReceivedTokens tokens, Tokenset? current, RefreshLease? lease)
    {
        var refreshToken = tokens.RefreshToken is { } token ? new Secret(token) : null;
        var batch = outbox.Enqueue(Releasing(lease), answer.Claimed, answer.Connection, new Secret(tokens.AccessToken), refreshToken);
        if (!(await storage.CommitAsync(batch)).Committed)
        {
            return null;
        }

        return current is null ? RefreshResult.Gone() : RefreshResult.Of(current);
    }

    /// <summary>Puts a spare in the place of a refresh token that the provider refuses; false when there is none to try.</summary>
    public async Task<bool> UseSpareAsync(Tokenset refused, RefreshLease lease)
    {
        var spares = await storage.ListReadableAsync<RefreshSpare>(RefreshSpare.OfTokenset(refused.Id), logger, CancellationToken.None);
        foreach (var spare in spares.Where(s => s.GrantId == refused.GrantId).OrderByDescending(s => s.ReceivedAt))
        {
            if (Open(spare, refused) is not { } tokens)
            {
                continue;
            }

            var (_, former) = sealer.Open(refused);
            var renewed = Renewed(refused, tokens, former);
            var batch = Releasing(lease).Replace(renewed).Delete(spare).Append(audit.Row(Event(AuditType.TokensetRefreshed, renewed)));
            if (!(await storage.CommitAsync(batch)).Committed)
            {
                // The row has moved: what stands there now is not what was refused.
                await storage.CommitAsync(Releasing(lease));
            }

            return true;
        }

        return false;
    }

    private ReceivedTokens? Open(RefreshSpare spare, Tokenset tokenset)
    {
        try
        {
            return ReceivedTokens.Open(ring, spare.SealedAnswer, SpareAad(spare.Id, tokenset));
        }
        catch (BrokenSealException e)
        {
            Log.CorruptRecord(logger, e, RefreshSpare.Kind, spare.Id);
            return null;
        }
    }

    /// <summary>A success that could not be read: kept for the operator, and told.</summary>
    private async Task<RefreshResult> KeepUnreadAsync(SpooledAnswer answer)
    {
        Log.AnswerUnread(logger, answer.Claimed.Id, answer.Attempt.Id);
        var receipt = Receipt(answer.Claimed, answer.Attempt, answer.At) with
        {
            SealedAnswer = ring.SealText(new Secret(answer.UnreadBody!), ReceiptAad(answer.Attempt.Id, answer.Claimed)),
            Unread = true,
            ForgottenAt = answer.At + (30 * Memory),
        };
        await storage.CommitAsync(new Batch().Put(receipt).Append(audit.Row(Event(AuditType.TokensetAnswerUnread, answer.Claimed))));
        return RefreshResult.Unavailable("the answer could not be read", retryAfter: null);
    }

    private static Batch Releasing(RefreshLease? lease) => lease is null ? new Batch() : new Batch().ReleaseLease(lease.Name, lease.Fence);

    /// <summary>The new consent's own access token and scopes stay.</summary>
    private Tokenset WithSuccessor(Tokenset current, Secret accessToken, Secret? former, ReceivedTokens tokens) =>
        sealer.Seal(current with { Attempt = null }, accessToken, tokens.RefreshToken is { } successor ? new Secret(successor) : former);

    private Tokenset Renewed(Tokenset current, ReceivedTokens tokens, Secret? former)
    {
        var renewed = current with
        {
            State = TokensetState.Active,
            Attempt = null,
            Scopes = tokens.Scopes ?? current.Scopes,
            IssuedAt = tokens.ReceivedAt,
            AccessTokenExpiresAt = tokens.ExpiresAt,
        };

        // An answer without a refresh token leaves the one we hold valid (RFC 6749 §6).
        return sealer.Seal(renewed, new Secret(tokens.AccessToken), tokens.RefreshToken is { } token ? new Secret(token) : former);
    }

    private RefreshReceipt Receipt(SpooledAnswer answer, ReceivedTokens tokens, Tokenset current) =>
        Receipt(current, answer.Attempt, tokens.ReceivedAt) with { SealedAnswer = tokens.Seal(ring, ReceiptAad(answer.Attempt.Id, current)) };

    private static RefreshReceipt Receipt(Tokenset current, RefreshAttempt attempt, DateTimeOffset now) => new()
    {
        Id = attempt.Id,
        TokensetId = current.Id,
        UserId = current.UserId,
        AccountId = current.AccountId,
        ConnectionId = current.ConnectionId,
        Generation = attempt.Generation,
        SealedAnswer = [],
        ForgottenAt = now + Memory,
    };

    private static byte[] ReceiptAad(string attempt, Tokenset tokenset) => Aad.For(RefreshReceipt.Kind, attempt, tokenset.Id, tokenset.UserId);

    private static byte[] SpareAad(string attempt, Tokenset tokenset) => Aad.For(RefreshSpare.Kind, attempt, tokenset.Id, tokenset.UserId);

    public static AuditEvent Event(string type, Tokenset tokenset) => new()
    {
        Type = type,
        UserId = tokenset.UserId,
        Connection = tokenset.Connection,
        ConnectionId = tokenset.ConnectionId,
        Scope = Scope.Format(tokenset.Scopes),
        Details = new() { ["tokenset_id"] = tokenset.Id, ["generation"] = tokenset.Generation },
    };
}
