using System.Security.Cryptography;
using System.Text;
using TokenVault.Server.Audit;
using TokenVault.Server.Connections;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Accounts;

/// <summary>
/// The last step of connecting an account: the user and client that began it prove with session, connect code and verifier that
/// the browser came back to them. Only now do the provider's tokens become the user's (T-CF-02, T-CF-09).
/// </summary>
internal sealed class ConnectCompletion(
    IStorage storage, GrantAdoption adoption, ConnectSealer connectSealer, AuditLog audit)
{
    private const string Refused = "The session or connect code is invalid, expired, used already, or not this user's.";

    public async ValueTask<(ConnectedAccount? Account, MyAccountProblem? Problem)> CompleteAsync(
        AccessToken caller, CompleteBody body, AuditEvent trace, CancellationToken cancellationToken)
    {
        var (account, problem) = await TryAsync(caller, body, trace, cancellationToken);
        if (problem is not null)
        {
            var failed = trace with { Type = AuditType.ConnectedAccountFailed };
            await storage.CommitAsync(new Batch().Append(audit.Row(failed.Refused(problem))));
        }

        return (account, problem);
    }

    private async ValueTask<(ConnectedAccount? Account, MyAccountProblem? Problem)> TryAsync(
        AccessToken caller, CompleteBody body, AuditEvent trace, CancellationToken cancellationToken)
    {
        var request = await storage.FindAsync<ConnectRequest>(Identifier.Hash(body.AuthSession.Reveal()), cancellationToken);
        if (request is not { Stage: ConnectStage.Pending } || !IsProven(request, caller, body))
        {
            return (null, MyAccountProblem.Invalid(Refused));
        }

        if (await storage.FindAsync<HeldGrant>(request.Id, cancellationToken) is not { } held)
        {
            return (null, MyAccountProblem.Invalid(Refused));
        }

        return await AdoptAsync(request, held, trace, cancellationToken);
    }

    private async ValueTask<(ConnectedAccount? Account, MyAccountProblem? Problem)> AdoptAsync(
        ConnectRequest request, HeldGrant held, AuditEvent trace, CancellationToken cancellationToken)
    {
        var grant = connectSealer.OpenGrant(held);
        var whom = new AdoptionFor(request.UserId, request.Scopes, Connecting: true);

        // A refresh, or the same account being connected elsewhere, may move the row between the read and the commit.
        for (var attempt = 0; attempt < 5; attempt++)
        {
            if (await storage.FindAsync<Connection>(request.ConnectionId, cancellationToken) is not { ConnectedAccountsActive: true } connection
                || !connection.IsEnabledFor(request.ClientId))
            {
                return (null, MyAccountProblem.Invalid("The connection is not enabled any more."));
            }

            if (await RefusalAsync(request.UserId, connection, held, grant, cancellationToken) is { } refused)
            {
                return (null, refused);
            }

            var (account, batch, lost) = await adoption.BatchAsync(whom, connection, grant, cancellationToken);
            var told = trace with { Connection = connection.Name, ConnectionId = connection.Id, Strategy = connection.Strategy, Scope = Scope.Format(account.Scopes) };
            batch.Require(connection).Delete(request).Delete(held).Append(audit.Row(told.Telling(MyAccountEvents.Connected(account, grant.Subject, lost))));
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

    private async ValueTask<MyAccountProblem?> RefusalAsync(
        string userId, Connection connection, HeldGrant held, PendingGrant grant, CancellationToken cancellationToken)
    {
        // Tokens of one host never become such as are sent to another, however close to each other the two changes are (T-MG-01).
        if (ConnectionOptionsBody.HaveMoved(connection.Options, held.Connection.Options))
        {
            return MyAccountProblem.Invalid("The connection has been changed meanwhile. Start anew.");
        }

        return grant.Subject is null && await adoption.HoldsAnotherAsync(userId, connection, cancellationToken)
            ? MyAccountProblem.Conflict(ConnectFlow.Nameless)
            : null;
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
