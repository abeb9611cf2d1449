using TokenVault.Server.Audit;
using TokenVault.Server.Connections;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Tokensets;

namespace TokenVault.Server.Accounts;

/// <summary>What is written when a user's consent becomes a connected account.</summary>
internal sealed class GrantAdoption(
    IStorage storage, TokensetSealer sealer, RefreshKeeping keeping, AuditLog audit, TimeProvider time, ILogger<GrantAdoption> logger)
{
    /// <summary>The same account at the provider is updated; another one never overwrites it (T-CF-07).</summary>
    public async ValueTask<AdoptedGrant> BatchAsync(
        AdoptionFor whom, Connection connection, PendingGrant grant, CancellationToken cancellationToken)
    {
        var batch = new Batch();
        var (userId, requested, _) = whom;
        var (former, formerAccount) = await FormerAsync(batch, userId, connection, grant, cancellationToken);
        var merge = GrantMerge.Of(former, grant.Granted(requested), time.GetUtcNow());
        var wider = former is null ? requested : [.. (former.RequestedScopes ?? former.Scopes).Union(requested, StringComparer.Ordinal)];
        var blank = former ?? Blank(userId, connection, grant);
        blank = blank with { RequestedScopes = wider, ConnectedAt = former is null || whom.Connecting ? grant.ReceivedAt : former.ConnectedAt };
        var tokenset = merge.Keeps ? blank : Sealed(former, blank with { AccountId = formerAccount?.Id ?? blank.AccountId }, requested, grant);
        var account = (formerAccount ?? new ConnectedAccount
        {
            Id = tokenset.AccountId,
            UserId = userId,
            ConnectionId = connection.Id,
            Connection = connection.Name,
            Strategy = connection.Strategy,
            TokensetId = tokenset.Id,
            CreatedAt = grant.ReceivedAt,
        }) with
        { Scopes = tokenset.Scopes, TokensetId = tokenset.Id };

        // The tokenset's version guards the account, too; what stands there of it may be beyond reading.
        batch = former is null ? batch.Insert(tokenset) : batch.Replace(tokenset);
        await KeepOthersAsync(batch, former, merge, grant);
        if (former is { State: TokensetState.ReauthorizationRequired } && tokenset.State == TokensetState.Active)
        {
            batch.Append(audit.Row(RefreshLanding.Event(AuditType.TokensetRecovered, tokenset)));
        }

        return new AdoptedGrant(account, batch.Put(account), merge.Lost);
    }

    /// <summary>
    /// Whether the user has an account there whose tokens are of use. Where the provider names nobody, it cannot be told from the one that
    /// is about to be connected, and must not be overwritten by it.
    /// </summary>
    public async ValueTask<bool> HoldsAnotherAsync(string userId, Connection connection, CancellationToken cancellationToken)
    {
        var all = await storage.ListReadableAsync<Tokenset>(Tokenset.OwnerIndex(userId, connection.Id), logger, cancellationToken);
        return all.Exists(tokenset => tokenset.State == TokensetState.Active && (tokenset.HasRefreshToken || tokenset.IsUsable(time.GetUtcNow())));
    }

    /// <summary>Of two consents to one account, the tokens that are not in use.</summary>
    private async Task KeepOthersAsync(Batch batch, Tokenset? former, GrantMerge merge, PendingGrant grant)
    {
        if (former is null)
        {
            return;
        }

        var spare = merge.Keeps
            ? keeping.Beside(former, new(grant.AccessToken, grant.RefreshToken, grant.Scopes, grant.ExpiresAt, grant.ReceivedAt, SentHash: ""))
            : keeping.Replaced(former, grant.RefreshToken);
        if (spare is not null)
        {
            await keeping.TrimAsync(former, batch);
            batch.Insert(spare);
        }
    }

    /// <summary>What is stored of this account so far. A row that does not read any more makes way: reconnecting is how a user repairs it.</summary>
    private async ValueTask<(Tokenset? Tokenset, ConnectedAccount? Account)> FormerAsync(
        Batch batch, string userId, Connection connection, PendingGrant grant, CancellationToken cancellationToken)
    {
        var key = Tokenset.AccountKey(userId, connection.Id, grant.Issuer, grant.Subject);
        if (await storage.FindByKeyAsync(Tokenset.Kind, "account", key, cancellationToken) is not { } row)
        {
            return (null, null);
        }

        var accounts = await storage.ListReadableAsync<ConnectedAccount>(EntityKey.Index("user", userId), logger, cancellationToken);
        var account = accounts.Find(account => account.TokensetId == row.Id);
        try
        {
            // A row found under this user's key that says it is another's would take the user's new tokens there (T-EN-02).
            var tokenset = row.ToRecord<Tokenset>();
            if (tokenset.Identity == key)
            {
                return (Opens(tokenset), account);
            }
        }
        catch (CorruptRecordException)
        {
            // It makes way below.
        }

        batch.Add(new DeleteOperation(row.Kind, row.Id, row.Version));
        return (null, account);
    }

    /// <summary>Tokens that do not open any more cover nothing: the row counts as given up, and the new consent takes its place.</summary>
    private Tokenset Opens(Tokenset tokenset)
    {
        try
        {
            sealer.Open(tokenset);
            return tokenset;
        }
        catch (CorruptRecordException)
        {
            return tokenset with { State = TokensetState.ReauthorizationRequired, Attempt = null };
        }
    }

    /// <summary>A provider that gives no refresh token on a repeated consent leaves the one from before valid.</summary>
    private Secret? RefreshTokenOf(Tokenset? former, PendingGrant grant)
    {
        if (grant.RefreshToken is { } token)
        {
            return new Secret(token);
        }

        return former is { HasRefreshToken: true, State: TokensetState.Active } ? sealer.Open(former).RefreshToken : null;
    }

    private static Tokenset Blank(string userId, Connection connection, PendingGrant grant) => new()
    {
        Id = Identifier.Tokenset(),
        AccountId = Identifier.ConnectedAccount(),
        UserId = userId,
        ConnectionId = connection.Id,
        Connection = connection.Name,
        Issuer = grant.Issuer,
        UpstreamUserId = grant.Subject,
        GrantId = "",
        SealedTokens = [],
    };

    private Tokenset Sealed(Tokenset? former, Tokenset blank, IReadOnlyList<string> requested, PendingGrant grant)
    {
        var renewed = blank with
        {
            GrantId = Identifier.Secret(),
            State = TokensetState.Active,

            // A refresh under way concerns the new consent only if that keeps the refresh token which went out.
            Attempt = grant.RefreshToken is null ? blank.Attempt : null,
            UpstreamEmail = grant.Email,
            Scopes = grant.Granted(requested),
            IssuedAt = grant.ReceivedAt,
            AccessTokenExpiresAt = grant.ExpiresAt,
            RefreshTokenExpiresAt = grant.RefreshToken is null ? blank.RefreshTokenExpiresAt : grant.RefreshTokenExpiresAt,
            Kept = grant.Kept,
        };
        return sealer.Seal(renewed, new Secret(grant.AccessToken), RefreshTokenOf(former, grant));
    }
}

/// <param name="Requested">The scopes that the provider was asked for.</param>
/// <param name="Connecting">
/// The user chose to connect this account, which makes it the one that is meant where none is named; signing in with it does not.
/// </param>
internal sealed record AdoptionFor(string UserId, IReadOnlyList<string> Requested, bool Connecting);

/// <param name="Batch">Makes it so.</param>
/// <param name="LostScopes">What the account could do before and cannot do any more.</param>
internal sealed record AdoptedGrant(ConnectedAccount Account, Batch Batch, IReadOnlyList<string> LostScopes);
