using TokenVault.Server.Accounts;
using TokenVault.Server.Audit;
using TokenVault.Server.Connections;
using TokenVault.Server.Http;
using TokenVault.Server.OAuth.Linking;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Tokensets;
using TokenVault.Server.Users;
using TokenVault.Server.Users.Factors;

namespace TokenVault.Server.OAuth.SignIn;

/// <summary>
/// Lets somebody in whom a provider named: the user is found or made, the session begins, and where the connection serves connected
/// accounts the provider's tokens go into the vault; all of it in one commit.
/// </summary>
internal sealed class SignInSession(
    IStorage storage, SignInUsers users, SessionCookie sessions, GrantAdoption adoption, IdentityLinking linking, AuditLog audit)
{
    private const int Attempts = 5;

    public DateTimeOffset Now => users.Now;

    public async Task<SignInOutcome> BeginAsync(HttpContext context, SignInRequest request, Connection connection, SignInGrant grant)
    {
        var identity = SignInUsers.Of(connection, grant.Identity);
        Session? session = null;
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var (user, refused) = await UserAsync(connection, identity);
            if (user is null)
            {
                return new(refused, Kept: false);
            }

            if (await SameAsync(connection) is not { } same)
            {
                return Changed();
            }

            var own = user.Linked.Append(user.Main()).First(i => i.Key() == identity.Key());
            session ??= await sessions.BeginAsync(context, user, own);
            session = session with { UserId = user.UserId, Identity = own.FullId() };
            var batch = await FillAsync(context, request, connection, grant, user.UserId);
            await EndFormerAsync(context, batch);
            Write(batch, user, identity, connection);
            var trace = Event(context, AuditType.SuccessfulLogin, request, connection) with { UserId = user.UserId, UserName = user.Email ?? user.Username };
            batch = request.Stays(connection) ? batch.Delete(request) : batch;
            if ((await storage.CommitAsync(batch.Require(same).Insert(session).Append(audit.Row(trace)))).Committed)
            {
                return new(Error: null, connection.ConnectedAccountsActive);
            }
        }

        return Busy();
    }

    /// <summary>The person who is signed in has proved that this identity is theirs, too.</summary>
    public async Task<SignInOutcome> LinkAsync(HttpContext context, SignInRequest request, Connection connection, SignInGrant grant)
    {
        var identity = SignInUsers.Of(connection, grant.Identity);
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            // Whoever began it has to be the one who ends it: the session, not only the browser (login CSRF).
            if (await sessions.FindAsync(context) is not { } signedIn || signedIn.User.UserId != request.LinkTo)
            {
                return new(new OAuthError(400, "login_required", "The user has signed out."), Kept: false);
            }

            if (await SameAsync(connection) is not { } same)
            {
                return Changed();
            }

            var other = await users.FindAsync(identity, CancellationToken.None);
            var already = other?.UserId == signedIn.User.UserId;
            var kept = connection.ConnectedAccountsActive && (already || other is null || !await HasAccountAsync(other, connection, grant.Identity));
            var batch = kept ? await FillAsync(context, request, connection, grant, signedIn.User.UserId) : new Batch();
            if (!already && (await RefusalAsync(other) ?? await linking.AddAsync(batch, signedIn.User, identity, other)) is { } refused)
            {
                return refused.Busy ? Busy() : new(OAuthError.AccessDenied(refused.Message), Kept: false);
            }

            var trace = Event(context, AuditType.ManagementWrite, request, connection) with { UserId = request.LinkTo, Description = "Link an identity" };
            if ((await storage.CommitAsync(batch.Require(same).Require(signedIn.Session).Delete(request).Append(audit.Row(trace)))).Committed)
            {
                return new(Error: null, kept);
            }

            // An identity was unlinked, or the account disconnected, while the provider was asked: the proof is too late (T-CF-08).
            if (await storage.FindAsync<SignInRequest>(request.Id, CancellationToken.None) is null)
            {
                return new(OAuthError.AccessDenied("The request was withdrawn meanwhile."), Kept: false);
            }
        }

        return Busy();
    }

    /// <summary>A user with a second factor is not taken over by who has proved the first: nobody here can be asked for that user's (T-CF-15).</summary>
    private async ValueTask<LinkRefusal?> RefusalAsync(User? other) =>
        other is not null && await storage.FindAsync<UserFactors>(other.UserId, CancellationToken.None) is { Any: true }
            ? new LinkRefusal("The user to be linked has a second factor. An administrator can link them.")
            : null;

    /// <summary>The connection as it is now; null when what came from its provider must not become anybody's any more.</summary>
    private async ValueTask<Connection?> SameAsync(Connection asked) =>
        await storage.FindAsync<Connection>(asked.Id, CancellationToken.None) is { } now && !ConnectionOptionsBody.HaveMoved(now.Options, asked.Options) ? now : null;

    /// <summary>Another user's account goes along with them; then the tokens of the proof are not needed.</summary>
    private async ValueTask<bool> HasAccountAsync(User user, Connection connection, ProviderIdentity identity)
    {
        var key = Tokenset.AccountKey(user.UserId, connection.Id, identity.Issuer, identity.Subject);
        return await storage.FindByKeyAsync(Tokenset.Kind, "account", key, CancellationToken.None) is not null;
    }

    public static AuditEvent Event(HttpContext context, string type, SignInRequest request, Connection connection)
    {
        return new AuditEvent
        {
            Type = type,
            ClientId = request.ClientId,
            Connection = connection.Name,
            ConnectionId = connection.Id,
            Strategy = connection.Strategy,
        }.From(RequestOrigin.Of(context));
    }

    private async ValueTask<(User? User, OAuthError? Refused)> UserAsync(Connection connection, UserIdentity identity)
    {
        var user = await users.FindAsync(identity, CancellationToken.None) ?? await users.NewAsync(connection, identity, CancellationToken.None);
        if (user is null)
        {
            return (null, OAuthError.AccessDenied("The user does not exist, and the connection does not make users."));
        }

        return user.Blocked ? (null, OAuthError.AccessDenied("The user is blocked.")) : (user, null);
    }

    private void Write(Batch batch, User user, UserIdentity identity, Connection connection)
    {
        if (user.Version == 0)
        {
            batch.Insert(user);
            return;
        }

        var refreshed = users.Refreshed(connection, user, identity);
        _ = ReferenceEquals(refreshed, user) ? batch.Require(user) : batch.Replace(refreshed);
    }

    private async ValueTask EndFormerAsync(HttpContext context, Batch batch)
    {
        if (await sessions.FindAsync(context) is { } former)
        {
            batch.DeleteIndexed("session", former.Session.Id);
        }
    }

    /// <summary>Never into the user's identities: those are shown to whoever may read users.</summary>
    private async ValueTask<Batch> FillAsync(HttpContext context, SignInRequest request, Connection connection, SignInGrant grant, string userId)
    {
        if (!connection.ConnectedAccountsActive)
        {
            return new Batch();
        }

        var whom = new AdoptionFor(userId, request.Scopes, Connecting: request.LinkTo is not null);
        var adopted = await adoption.BatchAsync(whom, connection, grant.Tokens, CancellationToken.None);
        var trace = Event(context, AuditType.ConnectedAccountSucceeded, request, connection) with
        {
            UserId = userId,
            Scope = Scope.Format(adopted.Account.Scopes),
            Details = MyAccountEvents.Connected(adopted.Account, grant.Identity.Subject, adopted.LostScopes),
        };
        return adopted.Batch.Append(audit.Row(trace));
    }

    private static SignInOutcome Changed() => new(OAuthError.AccessDenied("The connection has been changed meanwhile."), Kept: false);

    private static SignInOutcome Busy() =>
        new(new OAuthError(400, "temporarily_unavailable", "The user is being changed elsewhere. Try again."), Kept: false);
}

/// <summary>What a provider gave, and who it says it gave it for.</summary>
internal sealed record SignInGrant(PendingGrant Tokens, ProviderIdentity Identity);

/// <param name="Kept">The vault took the tokens.</param>
internal sealed record SignInOutcome(OAuthError? Error, bool Kept);
