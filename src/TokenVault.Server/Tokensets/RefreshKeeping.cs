using TokenVault.Server.Diagnostics;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Tokensets;

/// <summary>
/// What is kept of providers' answers beside the tokenset: a receipt of each for a day, and, as spares, tokens that are not the
/// tokenset's own and that the provider may still honour.
/// </summary>
internal sealed class RefreshKeeping(IStorage storage, TokensetSealer sealer, KeyRing ring, ILogger<RefreshKeeping> logger)
{
    private static readonly TimeSpan ReceiptLife = TimeSpan.FromHours(24);
    private const int MostSpares = 20;

    private static readonly TimeSpan UnreadLife = TimeSpan.FromDays(30);

    public RefreshReceipt Receipt(Tokenset current, RefreshAttempt attempt, ReceivedTokens tokens)
    {
        var receipt = Blank(current, attempt) with { ForgottenAt = tokens.ReceivedAt + ReceiptLife };
        return receipt with { SealedAnswer = tokens.Seal(ring, receipt.Identity()) };
    }

    /// <summary>Of an answer that could not be read: an operator may find tokens in it.</summary>
    public RefreshReceipt UnreadReceipt(SpooledAnswer answer)
    {
        var receipt = Blank(answer.Claimed, answer.Attempt) with { Unread = true, ForgottenAt = answer.At + UnreadLife };
        return receipt with { SealedAnswer = ring.SealText(new Secret(answer.UnreadBody!), receipt.Identity()) };
    }

    /// <param name="id">The same each time that these tokens come here.</param>
    /// <param name="of">The tokenset they came for, with the grant they belong to.</param>
    public RefreshSpare Spare(string id, Tokenset of, ReceivedTokens tokens)
    {
        var spare = new RefreshSpare
        {
            Id = id,
            TokensetId = of.Id,
            GrantId = of.GrantId,
            UserId = of.UserId,
            AccountId = of.AccountId,
            ConnectionId = of.ConnectionId,
            SealedAnswer = [],
            ReceivedAt = tokens.ReceivedAt,
        };
        return spare with { SealedAnswer = tokens.Seal(ring, spare.Identity()) };
    }

    /// <summary>What a new consent replaces in a tokenset; null when that holds nothing that a provider might still honour.</summary>
    /// <param name="successor">The new consent's refresh token.</param>
    public RefreshSpare? Replaced(Tokenset former, string? successor)
    {
        if (former.State != TokensetState.Active || successor is null)
        {
            return null;
        }

        try
        {
            var (accessToken, refreshToken) = sealer.Open(former);
            return refreshToken is null || refreshToken.Reveal() == successor
                ? null
                : Spare(Identifier.Secret(), former, new(
                    accessToken.Reveal(), refreshToken.Reveal(), former.Scopes, former.AccessTokenExpiresAt, former.IssuedAt, SentHash: ""));
        }
        catch (CorruptRecordException)
        {
            return null;
        }
    }

    /// <summary>What a new consent brought while the former one stays in place, because it covers more: tried before that is given up.</summary>
    public RefreshSpare Beside(Tokenset kept, ReceivedTokens tokens) => Spare(Identifier.Secret(), kept, tokens);

    /// <summary>
    /// Makes room: who signs in often through a connection to the vault would fill it with what each sign-in replaced. The oldest go, and
    /// are not revoked, because that would end the grant in use.
    /// </summary>
    public async Task TrimAsync(Tokenset of, Batch batch)
    {
        foreach (var old in (await SparesAsync(of.Id)).Skip(MostSpares - 1))
        {
            batch.Delete(old);
        }
    }

    /// <summary>Newest first.</summary>
    public async Task<IEnumerable<RefreshSpare>> SparesAsync(string tokensetId)
    {
        var spares = await storage.ListReadableAsync<RefreshSpare>(RefreshSpare.OfTokenset(tokensetId), logger, CancellationToken.None);
        return spares.OrderByDescending(spare => spare.ReceivedAt);
    }

    /// <summary>Null when the row was altered.</summary>
    public ReceivedTokens? Open(RefreshSpare spare)
    {
        try
        {
            return ReceivedTokens.Open(ring, spare.SealedAnswer, spare.Identity());
        }
        catch (BrokenSealException e)
        {
            Log.CorruptRecord(logger, e, RefreshSpare.Kind, spare.Id);
            return null;
        }
    }

    private static RefreshReceipt Blank(Tokenset current, RefreshAttempt attempt) => new()
    {
        Id = attempt.Id,
        TokensetId = current.Id,
        UserId = current.UserId,
        AccountId = current.AccountId,
        ConnectionId = current.ConnectionId,
        Generation = attempt.Generation,
        SealedAnswer = [],
    };
}
