using System.Collections.Concurrent;
using TokenVault.Server.Connections;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Tokensets;

/// <summary>
/// A token of fewer scopes than a tokenset's, by a refresh that asks for fewer (RFC 6749 §6); once for all who ask for the same at one time.
/// It is nobody's but theirs: the tokenset keeps its own. Only at providers whose refresh tokens stay as they are, so that nothing hangs on
/// the answer: it needs no lease, and may get lost.
/// </summary>
internal sealed class TokenNarrowing(RefreshCall call, RefreshSaver saver, ProviderClient provider, TimeProvider time)
{
    private static readonly TimeSpan CallersPatience = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<string, Lazy<Task<NarrowingResult>>> _running = new(StringComparer.Ordinal);

    public bool IsPossible(Tokenset tokenset, Connection connection) => tokenset.HasRefreshToken && provider.Narrows(connection);

    /// <exception cref="Storage.CorruptRecordException">The tokenset does not open.</exception>
    public async ValueTask<NarrowingResult> NarrowAsync(Tokenset tokenset, Connection connection, IReadOnlyList<string> scopes, CancellationToken cancellationToken)
    {
        var key = $"{tokenset.Id} {tokenset.GrantId} {tokenset.Generation} {Scope.Format(scopes.Order(StringComparer.Ordinal))}";
        var running = _running.GetOrAdd(key, _ => new Lazy<Task<NarrowingResult>>(() => Task.Run(() => RunAsync(key, tokenset, connection, scopes), CancellationToken.None)));
        try
        {
            return await running.Value.WaitAsync(CallersPatience, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            return NarrowingResult.Unavailable("the provider is slow", retryAfter: null);
        }
    }

    private async Task<NarrowingResult> RunAsync(string key, Tokenset tokenset, Connection connection, IReadOnlyList<string> scopes)
    {
        try
        {
            using var place = await call.EnterAsync(connection);
            return call.Paused(connection) is { } pause
                ? NarrowingResult.Unavailable("the provider asked to be left alone", pause)
                : await SendAsync(tokenset, connection, scopes);
        }
        finally
        {
            _running.TryRemove(key, out _);
        }
    }

    private async Task<NarrowingResult> SendAsync(Tokenset tokenset, Connection connection, IReadOnlyList<string> scopes)
    {
        var refreshToken = call.RefreshTokenOf(tokenset);
        var answer = await provider.RefreshAsync(connection, refreshToken, RefreshCall.IdentityOf(tokenset), () => true, scopes);
        call.Note(connection, answer.Failure);
        if (answer.Value is { RefreshToken: { } another } tokens && another.Reveal() != refreshToken.Reveal())
        {
            await KeepAsync(tokenset, connection, ReceivedTokens.From(tokens, refreshToken, time.GetUtcNow()));
        }

        return answer.Failure?.Kind switch
        {
            null => NarrowingResult.Of(answer.Value!, scopes),
            ProviderFailureKind.NotSent or ProviderFailureKind.Unavailable or ProviderFailureKind.OutcomeUnknown =>
                NarrowingResult.Unavailable(answer.Failure.Detail, answer.Failure.RetryAfter),
            ProviderFailureKind.GrantRejected => NarrowingResult.Over,
            _ => NarrowingResult.Refused,
        };
    }

    /// <summary>
    /// A refresh token nonetheless: it is not dropped, but kept as a spare of the tokenset, for when that one's own is refused. The access token
    /// beside it is one that has ended, so that nobody takes it for the tokenset's.
    /// </summary>
    private Task<RefreshResult> KeepAsync(Tokenset tokenset, Connection connection, ReceivedTokens received)
    {
        var beside = tokenset with { Attempt = new RefreshAttempt(Identifier.Secret(), Generation: -1, received.ReceivedAt, UnknownSince: null) };
        return saver.SaveAsync(SpooledAnswer.Of(beside, received with { Scopes = null, ExpiresAt = received.ReceivedAt }, connection), lease: null);
    }
}

/// <summary>What a narrowing came to.</summary>
internal sealed record NarrowingResult
{
    /// <summary>Null: none; and without an outage the provider does not do it.</summary>
    public NarrowedToken? Token { get; private init; }

    /// <summary>The provider is away: for the log.</summary>
    public string? Outage { get; private init; }

    public TimeSpan? RetryAfter { get; private init; }

    /// <summary>The provider says that the grant is dead. What follows for the tokenset, its own refresh finds out.</summary>
    public bool IsOver { get; private init; }

    public static NarrowingResult Refused { get; } = new();

    public static NarrowingResult Over { get; } = new() { IsOver = true };

    public static NarrowingResult Unavailable(string detail, TimeSpan? retryAfter) => new() { Outage = detail, RetryAfter = retryAfter };

    /// <summary>An answer without scopes grants what was asked for (RFC 6749 §5.1).</summary>
    public static NarrowingResult Of(ProviderTokens tokens, IReadOnlyList<string> asked) =>
        new() { Token = new NarrowedToken(tokens.AccessToken, tokens.Scopes ?? asked, tokens.ExpiresAt) };
}

/// <param name="ExpiresAt">Null: it does not end, as far as the provider says.</param>
internal sealed record NarrowedToken(Secret AccessToken, IReadOnlyList<string> Scopes, DateTimeOffset? ExpiresAt);
