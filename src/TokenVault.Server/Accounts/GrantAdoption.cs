using TokenVault.Server.Audit;
using TokenVault.Server.Connections;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Tokensets;

namespace TokenVault.Server.Accounts;

/// <summary>What is written when a user's consent becomes a connected account.</summary>
internal sealed class GrantAdoption(IStorage storage, TokensetSealer sealer, RefreshKeeping keeping, AuditLog audit, ILogger<GrantAdoption> logger)
{
    /// <summary>The same account at the provider is updated; another one never overwrites it (T-CF-07).</summary>
    public async ValueTask<(ConnectedAccount Account, Batch Batch)> BatchAsync(
        ConnectRequest request, Connection connection, PendingGrant grant, CancellationToken cancellationToken)
    {
        var batch = new Batch();
        var (former, formerAccount) = await FormerAsync(batch, request, connection, grant, cancellationToken);
        var tokenset = Sealed(former, formerAccount, request, connection, grant);
        var account = (formerAccount ?? new ConnectedAccount
        {
            Id = tokenset.AccountId,
            UserId = request.UserId,
            ConnectionId = connection.Id,
            Connection = connection.Name,
            Strategy = connection.Strategy,
            TokensetId = tokenset.Id,
            CreatedAt = grant.ReceivedAt,
        }) with
        { Scopes = tokenset.Scopes, TokensetId = tokenset.Id };

        // The tokenset's version guards the account, too; what stands there of it may be beyond reading.
        batch = former is null ? batch.Insert(tokenset) : batch.Replace(tokenset);
        if (former is not null && keeping.Replaced(former, grant.RefreshToken) is { } spare)
        {
            batch.Insert(spare);
        }

        if (former is { State: TokensetState.ReauthorizationRequired })
        {
            batch.Append(audit.Row(RefreshLanding.Event(AuditType.TokensetRecovered, tokenset)));
        }

        return (account, batch.Put(account));
    }

    /// <summary>What is stored of this account so far. A row that does not read any more makes way: reconnecting is how a user repairs it.</summary>
    private async ValueTask<(Tokenset? Tokenset, ConnectedAccount? Account)> FormerAsync(
        Batch batch, ConnectRequest request, Connection connection, PendingGrant grant, CancellationToken cancellationToken)
    {
        var key = Tokenset.AccountKey(request.UserId, connection.Id, grant.Issuer, grant.Subject);
        if (await storage.FindByKeyAsync(Tokenset.Kind, "account", key, cancellationToken) is not { } row)
        {
            return (null, null);
        }

        var accounts = await storage.ListReadableAsync<ConnectedAccount>(EntityKey.Index("user", request.UserId), logger, cancellationToken);
        var account = accounts.Find(account => account.TokensetId == row.Id);
        try
        {
            // A row found under this user's key that says it is another's would take the user's new tokens there (T-EN-02).
            var tokenset = row.ToRecord<Tokenset>();
            if (tokenset.Identity == key)
            {
                return (tokenset, account);
            }
        }
        catch (CorruptRecordException)
        {
            // It makes way below.
        }

        batch.Add(new DeleteOperation(row.Kind, row.Id, row.Version));
        return (null, account);
    }

    /// <summary>A provider that gives no refresh token on a repeated consent leaves the one from before valid.</summary>
    private Secret? RefreshTokenOf(Tokenset? former, PendingGrant grant)
    {
        if (grant.RefreshToken is { } token)
        {
            return new Secret(token);
        }

        if (former is not { HasRefreshToken: true, State: TokensetState.Active })
        {
            return null;
        }

        try
        {
            return sealer.Open(former).RefreshToken;
        }
        catch (CorruptRecordException)
        {
            return null;
        }
    }

    private Tokenset Sealed(Tokenset? former, ConnectedAccount? account, ConnectRequest request, Connection connection, PendingGrant grant)
    {
        var blank = former ?? new Tokenset
        {
            Id = Identifier.Tokenset(),
            AccountId = Identifier.ConnectedAccount(),
            UserId = request.UserId,
            ConnectionId = connection.Id,
            Connection = connection.Name,
            Issuer = grant.Issuer,
            UpstreamUserId = grant.Subject,
            GrantId = "",
            SealedTokens = [],
        };
        var renewed = blank with
        {
            AccountId = account?.Id ?? blank.AccountId,
            GrantId = Identifier.Secret(),
            State = TokensetState.Active,

            // A refresh under way concerns the new consent only if that keeps the refresh token which went out.
            Attempt = grant.RefreshToken is null ? blank.Attempt : null,
            UpstreamEmail = grant.Email,
            Scopes = grant.Scopes ?? request.Scopes,
            IssuedAt = grant.ReceivedAt,
            AccessTokenExpiresAt = grant.ExpiresAt,
            ConnectedAt = grant.ReceivedAt,
            Kept = grant.Kept,
        };
        return sealer.Seal(renewed, new Secret(grant.AccessToken), RefreshTokenOf(former, grant));
    }
}
