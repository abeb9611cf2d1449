using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using TokenVault.Server.Audit;
using TokenVault.Server.Connections;
using TokenVault.Server.Diagnostics;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Tokensets;

/// <summary>
/// Refreshes a tokenset at its provider: once, for all who wait for it; to the end, whoever of them leaves; and with what the
/// provider gave durable before anybody gets it, because a rotated refresh token that is not saved is a lost grant.
/// </summary>
internal sealed class TokensetRefresher(
    IStorage storage, TokensetSealer sealer, ProviderClient provider, AuditLog audit, TimeProvider time, ILogger<TokensetRefresher> logger)
    : IAsyncDisposable
{
    private static readonly TimeSpan CallersPatience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LongestSaveBackoff = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, Lazy<Task<RefreshResult>>> _running = new(StringComparer.Ordinal);

    /// <summary>The refreshed tokenset, or why there is none. Cancelling detaches the caller only (T-RC-03).</summary>
    public async ValueTask<RefreshResult> RefreshAsync(Tokenset stale, Connection connection, CancellationToken cancellationToken)
    {
        var running = _running.GetOrAdd(
            stale.Id,
            id => new Lazy<Task<RefreshResult>>(() => Task.Run(() => RunAsync(id, stale, connection), CancellationToken.None)));
        try
        {
            return await running.Value.WaitAsync(CallersPatience, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            return RefreshResult.Unavailable("the provider is slow; the refresh goes on", retryAfter: null);
        }
    }

    /// <summary>A stopping server finishes the refreshes it has begun.</summary>
    public async ValueTask DisposeAsync()
    {
        // A request that outlives the server's patience may begin one more while the others end.
        while (!_running.IsEmpty)
        {
            var running = _running.Values.Select(refresh => refresh.Value).ToArray();
            await ((Task)Task.WhenAll(running)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<RefreshResult> RunAsync(string id, Tokenset stale, Connection connection)
    {
        try
        {
            // Read again inside: the one before us may have done the work already.
            var current = await storage.FindAsync<Tokenset>(id, CancellationToken.None);
            if (current is null)
            {
                return RefreshResult.Gone();
            }

            var moved = current.Generation != stale.Generation || current.GrantId != stale.GrantId;
            if (current.State != TokensetState.Active || (moved && current.IsUsable(time.GetUtcNow())))
            {
                return RefreshResult.Of(current);
            }

            return await SendOnceAsync(current, connection);
        }
        catch (CorruptRecordException e)
        {
            return RefreshResult.Corrupt(e);
        }
        finally
        {
            _running.TryRemove(id, out _);
        }
    }

    private async Task<RefreshResult> SendOnceAsync(Tokenset current, Connection connection)
    {
        var (_, refreshToken) = sealer.Open(current);
        if (refreshToken is null)
        {
            return RefreshResult.Of(current);
        }

        var expected = current is { Issuer: { } issuer, UpstreamUserId: { } subject } ? new ProviderIdentity(issuer, subject, current.UpstreamEmail) : null;
        var answer = await provider.RefreshAsync(connection, refreshToken, expected);
        if (answer.Value is { } tokens)
        {
            return await SaveAsync(current, tokens, refreshToken);
        }

        var failure = answer.Failure!;
        Log.RefreshFailed(logger, current.Id, current.Connection, failure.Kind.ToString(), failure.Detail);
        return failure.Kind is ProviderFailureKind.GrantRejected or ProviderFailureKind.IdentityRejected
            ? await MarkDeadAsync(current, failure)
            : RefreshResult.Unavailable(failure.Detail, failure.RetryAfter);
    }

    private Tokenset Renewed(Tokenset current, ProviderTokens tokens, Secret former)
    {
        var renewed = current with
        {
            State = TokensetState.Active,
            Scopes = tokens.Scopes ?? current.Scopes,
            IssuedAt = time.GetUtcNow(),
            AccessTokenExpiresAt = tokens.ExpiresAt,
        };

        // An answer without a refresh token leaves the one we hold valid (RFC 6749 §6).
        return sealer.Seal(renewed, tokens.AccessToken, tokens.RefreshToken ?? former);
    }

    /// <summary>Saves until it is saved: giving up would lose what the provider has rotated to.</summary>
    private async Task<RefreshResult> SaveAsync(Tokenset current, ProviderTokens tokens, Secret sent)
    {
        var renewed = Renewed(current, tokens, sent);
        var backoff = TimeSpan.FromMilliseconds(50);
        while (true)
        {
            try
            {
                var batch = new Batch().Replace(renewed).Append(audit.Row(Event(AuditType.TokensetRefreshed, renewed)));
                if ((await storage.CommitAsync(batch)).Committed)
                {
                    return RefreshResult.Of(renewed with { Version = renewed.Version + 1 });
                }

                // The row is another since: deleted, or connected anew. What stands there now counts.
                if (await storage.FindAsync<Tokenset>(current.Id, CancellationToken.None) is not { } now)
                {
                    return RefreshResult.Gone();
                }

                if (Succeeded(now, tokens, sent) is not { } next)
                {
                    return RefreshResult.Of(now);
                }

                renewed = next;
            }
            catch (Exception e) when (e is not (ObjectDisposedException or CorruptRecordException))
            {
                Log.RefreshNotSaved(logger, e, current.Id);
                await Task.Delay(backoff, time);
                backoff = backoff * 2 < LongestSaveBackoff ? backoff * 2 : LongestSaveBackoff;
            }
        }
    }

    /// <summary>
    /// A new consent that brought no refresh token kept the one that this refresh has used up; without the successor it would die
    /// with its access token. Null when the new consent stands by itself.
    /// </summary>
    private Tokenset? Succeeded(Tokenset now, ProviderTokens tokens, Secret sent)
    {
        var (accessToken, held) = sealer.Open(now);
        var kept = held is not null
            && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(held.Reveal()), Encoding.UTF8.GetBytes(sent.Reveal()));
        return kept && tokens.RefreshToken is { } successor ? sealer.Seal(now, accessToken, successor) : null;
    }

    private async Task<RefreshResult> MarkDeadAsync(Tokenset current, ProviderFailure failure)
    {
        // Final only if our generation is still the one that stands (T-RC-07): the compare-and-swap says so.
        var dead = current with { State = TokensetState.ReauthorizationRequired };
        var died = Event(AuditType.TokensetDied, current) with { Description = failure.Detail };
        var result = await storage.CommitAsync(new Batch().Replace(dead).Append(audit.Row(died)));
        if (result.Committed)
        {
            return RefreshResult.Of(dead);
        }

        return await storage.FindAsync<Tokenset>(current.Id, CancellationToken.None) is { } now ? RefreshResult.Of(now) : RefreshResult.Gone();
    }

    private static AuditEvent Event(string type, Tokenset tokenset) => new()
    {
        Type = type,
        UserId = tokenset.UserId,
        Connection = tokenset.Connection,
        ConnectionId = tokenset.ConnectionId,
        Scope = Scope.Format(tokenset.Scopes),
        Details = new() { ["tokenset_id"] = tokenset.Id, ["generation"] = tokenset.Generation },
    };
}
