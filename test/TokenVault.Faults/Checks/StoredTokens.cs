using TokenVault.Faults.World;
using TokenVault.Server.Keys;
using TokenVault.Server.Storage;
using TokenVault.Server.Tokensets;

namespace TokenVault.Faults.Checks;

/// <summary>Every provider token that the store holds for one grant, opened: the harness has the root key.</summary>
/// <param name="Current">The tokenset's refresh token; null when the row is gone.</param>
/// <param name="Kept">Those of spares, and those that the provider is being told to forget.</param>
/// <param name="Landed">The access tokens of all receipts.</param>
internal sealed record StoredTokens(Tokenset? Row, string? Current, IReadOnlySet<string> Kept, IReadOnlySet<string> Landed)
{
    public static async Task<StoredTokens> ReadAsync(VaultWorld world, Grant grant)
    {
        var (storage, ring) = (world.Storage, world.Ring);
        var row = await world.RowOfAsync(grant);
        var account = EntityKey.Index("account", grant.AccountId);
        var kept = new HashSet<string>(StringComparer.Ordinal);
        foreach (var spare in await storage.ListAllAsync<RefreshSpare>(RefreshSpare.OfTokenset(grant.TokensetId), CancellationToken.None))
        {
            var tokens = ReceivedTokens.Open(ring, spare.SealedAnswer, Aad.For(RefreshSpare.Kind, spare.Id, spare.TokensetId, spare.UserId));
            kept.Add(tokens.RefreshToken ?? "");
            kept.Add(tokens.AccessToken);
        }

        foreach (var pending in await storage.ListAllAsync<PendingRevocation>(PendingRevocation.Due, CancellationToken.None))
        {
            if (pending.TokensetId == grant.TokensetId && pending.SealedToken is { } token)
            {
                kept.Add(ring.OpenText(token, Aad.For(PendingRevocation.Kind, pending.Id, pending.UserId, pending.TokensetId)).Reveal());
            }
        }

        var landed = new HashSet<string>(StringComparer.Ordinal);
        foreach (var receipt in await storage.ListAllAsync<RefreshReceipt>(account, CancellationToken.None))
        {
            if (!receipt.Unread)
            {
                landed.Add(ReceivedTokens.Open(ring, receipt.SealedAnswer, Aad.For(RefreshReceipt.Kind, receipt.Id, receipt.TokensetId, receipt.UserId)).AccessToken);
            }
        }

        var current = row is null ? null : new TokensetSealer(ring).Open(row).RefreshToken?.Reveal();
        return new StoredTokens(row, current, kept, landed);
    }

    public bool Holds(string refreshToken) => refreshToken == Current || Kept.Contains(refreshToken);
}
