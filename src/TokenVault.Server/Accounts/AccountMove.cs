using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Tokensets;
using TokenVault.Server.Users;

namespace TokenVault.Server.Accounts;

/// <summary>
/// One user becomes an identity of another: their connected accounts go along, sealed anew to the user they belong to now. Where that
/// one has the same provider account connected, the tokens wait beside its own, as spares, for the account's removal.
/// </summary>
internal sealed class AccountMove(IStorage storage, TokensetSealer sealer, RefreshKeeping keeping)
{
    /// <summary>See <see cref="UserMove"/>.</summary>
    public async ValueTask<bool> OfUserAsync(User from, User to, Batch batch, CancellationToken cancellationToken)
    {
        var index = EntityKey.Index("user", from.UserId);
        var accounts = (await storage.ListRowsAsync(ConnectedAccount.Kind, index, cancellationToken)).ToDictionary(row => row.Id, StringComparer.Ordinal);
        foreach (var row in await storage.ListRowsAsync(Tokenset.Kind, index, cancellationToken))
        {
            try
            {
                var tokenset = row.ToRecord<Tokenset>();

                // Its answer will look for the row as it is now.
                if (tokenset.Attempt is { Left: false })
                {
                    return false;
                }

                await MoveAsync(batch, tokenset, accounts.GetValueOrDefault(tokenset.AccountId), to, cancellationToken);
            }
            catch (CorruptRecordException)
            {
                // What does not read any more could not be used here either; it goes with the user it belonged to.
            }
        }

        return true;
    }

    private async ValueTask MoveAsync(Batch batch, Tokenset tokenset, Entity? account, User to, CancellationToken cancellationToken)
    {
        var (accessToken, refreshToken) = sealer.Open(tokenset);
        var key = Tokenset.AccountKey(to.UserId, tokenset.ConnectionId, tokenset.Issuer, tokenset.UpstreamUserId);
        if (await storage.FindByKeyAsync(Tokenset.Kind, "account", key, cancellationToken) is { } same)
        {
            var kept = same.ToRecord<Tokenset>();
            batch.Require(tokenset).Replace(kept);
            Beside(batch, kept, Identifier.Secret(), new ReceivedTokens(
                accessToken.Reveal(), refreshToken?.Reveal(), tokenset.Scopes, tokenset.AccessTokenExpiresAt, tokenset.IssuedAt, SentHash: ""));
            await MoveSparesAsync(batch, tokenset, (spare, tokens) => Beside(batch, kept, spare.Id, tokens));
            return;
        }

        var moved = sealer.Seal(tokenset with { UserId = to.UserId }, accessToken, refreshToken);

        // An attempt without an outcome concerns the same refresh token, whatever number it has now.
        batch.Replace(moved with { Attempt = moved.Attempt is { } left ? left with { Generation = moved.Generation } : null });
        await MoveSparesAsync(batch, tokenset, (spare, tokens) => batch.Put(keeping.Spare(spare.Id, moved with { GrantId = spare.GrantId }, tokens)));
        if (account is not null)
        {
            batch.Replace(account.ToRecord<ConnectedAccount>() with { UserId = to.UserId });
        }
    }

    private async ValueTask MoveSparesAsync(Batch batch, Tokenset of, Action<RefreshSpare, ReceivedTokens> move)
    {
        foreach (var spare in await keeping.SparesAsync(of.Id))
        {
            if (keeping.Open(spare) is { } tokens)
            {
                batch.Require(spare);
                move(spare, tokens);
            }
        }
    }

    /// <summary>Under a grant of its own, so that no refresh uses it.</summary>
    private void Beside(Batch batch, Tokenset kept, string id, ReceivedTokens tokens) =>
        batch.Put(keeping.Spare(id, kept with { GrantId = Identifier.Secret() }, tokens));
}
