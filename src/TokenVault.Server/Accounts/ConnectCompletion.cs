using System.Security.Cryptography;
using System.Text;
using TokenVault.Server.Audit;
using TokenVault.Server.Connections;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Tokensets;

namespace TokenVault.Server.Accounts;

/// <summary>
/// The last step of connecting an account: the user and client that began it prove with session, connect code and verifier that
/// the browser came back to them. Only now do the provider's tokens become the user's (T-CF-02, T-CF-09).
/// </summary>
internal sealed class ConnectCompletion(
    IStorage storage, RecordCache cache, ConnectSealer connectSealer, TokensetSealer tokensetSealer, AuditLog audit, ILogger<ConnectCompletion> logger)
{
    private const string Refused = "The session or connect code is invalid, expired, used already, or not this user's.";

    public async ValueTask<(ConnectedAccount? Account, MyAccountProblem? Problem)> CompleteAsync(
        AccessToken caller, CompleteBody body, AuditEvent trace, CancellationToken cancellationToken)
    {
        var request = await storage.FindAsync<ConnectRequest>(Identifier.Hash(body.AuthSession.Reveal()), cancellationToken);
        if (request is not { Stage: ConnectStage.Pending } || !IsProven(request, caller, body))
        {
            return (null, MyAccountProblem.Invalid(Refused));
        }

        var connection = await cache.FindAsync<Connection>(request.ConnectionId, cancellationToken);
        if (connection is not { ConnectedAccountsActive: true } || !connection.IsEnabledFor(caller.ClientId))
        {
            return (null, MyAccountProblem.Invalid("The connection is not enabled any more."));
        }

        var grant = connectSealer.OpenGrant(request);

        // A refresh, or the same account being connected elsewhere, may move the row between the read and the commit.
        for (var attempt = 0; attempt < 5; attempt++)
        {
            var (account, batch) = await BatchAsync(request, connection, grant, cancellationToken);
            batch.Delete(request).Append(audit.Row(trace with
            {
                Connection = connection.Name,
                ConnectionId = connection.Id,
                Scope = Scope.Format(account.Scopes),
                Details = new() { ["connected_account"] = new System.Text.Json.Nodes.JsonObject { ["id"] = account.Id, ["idp_user_id"] = grant.Subject } },
            }));
            if ((await storage.CommitAsync(batch)).Committed)
            {
                return (account, null);
            }

            if (await storage.FindAsync<ConnectRequest>(request.Id, cancellationToken) is null)
            {
                return (null, MyAccountProblem.Invalid(Refused));
            }
        }

        return (null, MyAccountProblem.Conflict("The account is being changed elsewhere. Try again."));
    }

    /// <summary>The same account at the provider is updated; another one never overwrites it (T-CF-07).</summary>
    private async ValueTask<(ConnectedAccount Account, Batch Batch)> BatchAsync(
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
            return tokensetSealer.Open(former).RefreshToken;
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
        };
        return tokensetSealer.Seal(renewed, new Secret(grant.AccessToken), RefreshTokenOf(former, grant));
    }

    private static bool IsProven(ConnectRequest request, AccessToken caller, CompleteBody body)
    {
        var code = Encoding.ASCII.GetBytes(Identifier.Hash(body.ConnectCode.Reveal()));
        var sameCode = CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(request.ConnectCodeHash ?? ""), code);
        var verified = request.CodeChallenge is null
            ? body.CodeVerifier is null
            : body.CodeVerifier is not null && Pkce.Matches(request.CodeChallenge, body.CodeVerifier.Reveal());
        return sameCode
            && verified
            && request.UserId == caller.UserId
            && request.ClientId == caller.ClientId
            && request.RedirectUri == body.RedirectUri;
    }
}
