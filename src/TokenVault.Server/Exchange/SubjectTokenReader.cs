using TokenVault.Server.Clients;
using TokenVault.Server.Http;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Users;

namespace TokenVault.Server.Exchange;

/// <summary>Who a subject token speaks for. The user, the client and the API are looked up each time, never remembered (T-ST-11).</summary>
internal sealed class SubjectTokenReader(
    IStorage storage, RecordCache cache, RefreshTokens refreshTokens, AccessTokens accessTokens, ApiAccessPolicy policy, PrivilegedSubjectReader privileged)
{
    /// <param name="before">With a second attempt of the same request: what the first has read.</param>
    public async ValueTask<Subject> ReadAsync(
        ExchangeRequest request, Client client, RequestOrigin origin, Subject? before, CancellationToken cancellationToken)
    {
        if (request.IsPrivileged && before is not null)
        {
            // Its one use has been had; the user may have been blocked since.
            return before with { User = await UserAsync(before.User.Value.UserId, cancellationToken) };
        }

        if (request.IsPrivileged)
        {
            var (userId, context) = await privileged.ReadAsync(request, client, origin);
            return new Subject(await UserAsync(userId, cancellationToken), [], context);
        }

        var owner = request.SubjectTokenType == Wire.RefreshTokenType
            ? await FromRefreshTokenAsync(request.SubjectToken, client, cancellationToken)
            : await FromAccessTokenAsync(request.SubjectToken, client, cancellationToken);
        return owner.Failed(out var error)
            ? new Subject(error, [], AuditContext: null)
            : new Subject(await UserAsync(owner.Value.UserId, cancellationToken), owner.Value.Methods, AuditContext: null);
    }

    private async ValueTask<Outcome<User>> UserAsync(Outcome<string> userId, CancellationToken cancellationToken)
    {
        if (userId.Failed(out var error))
        {
            return error;
        }

        return await storage.FindAsync<User>(userId.Value, cancellationToken) switch
        {
            null => OAuthError.InvalidGrant("The user of the subject token does not exist."),
            { Blocked: true } => ExchangeErrors.Denied("The user is blocked."),
            var user => user,
        };
    }

    private async ValueTask<Outcome<SubjectOwner>> FromRefreshTokenAsync(Secret token, Client client, CancellationToken cancellationToken)
    {
        var presented = await refreshTokens.FindAsync(token.Reveal(), cancellationToken);
        if (presented is not { Standing: RefreshTokenStanding.Current })
        {
            return OAuthError.InvalidRefreshToken("unknown, expired or rotated");
        }

        // Bound to the client it was issued to (RFC 6749 §10.4, T-ST-10).
        var record = presented.Record;
        if (record.ClientId != client.ClientId)
        {
            return OAuthError.InvalidRefreshToken("the token is another client's");
        }

        if (record.Rotating)
        {
            return ExchangeErrors.ClientMayNot("The Token Vault exchange does not support rotating refresh tokens. Exchange an access token instead.");
        }

        // Use keeps it alive. Losing this write to a concurrent use costs nothing.
        var used = refreshTokens.Used(record, client);
        if (!ReferenceEquals(used, record))
        {
            await storage.CommitAsync(new Batch().Replace(used));
        }

        return new SubjectOwner(record.UserId, record.Methods);
    }

    private async ValueTask<Outcome<SubjectOwner>> FromAccessTokenAsync(Secret token, Client client, CancellationToken cancellationToken)
    {
        // Only the API that the token is for may exchange it, by the client that stands for that API (T-ST-15).
        if (client.AppType != "resource_server" || client.ResourceServerIdentifier is not { } audience)
        {
            return ExchangeErrors.ClientMayNot(
                "Only a client with app_type resource_server, linked to the access token's API by resource_server_identifier, may exchange an access token.");
        }

        if (await cache.FindByKeyAsync<ResourceServer>("identifier", audience, cancellationToken) is null)
        {
            return ExchangeErrors.ClientMayNot("The client's API does not exist any more.");
        }

        if (accessTokens.Verify(token.Reveal(), audience, out var problem) is not { } verified)
        {
            return ExchangeErrors.InvalidSubjectToken(problem);
        }

        if (verified.UserId is not { } userId)
        {
            return ExchangeErrors.InvalidSubjectToken("the token is a client's, not a user's");
        }

        if (await cache.FindAsync<Client>(verified.ClientId, cancellationToken) is not { } issuedTo)
        {
            return ExchangeErrors.InvalidSubjectToken("the client that the token was issued to is gone");
        }

        var access = await policy.ForUserAsync(issuedTo, audience, [], cancellationToken);
        return access.Failed(out _)
            ? ExchangeErrors.InvalidSubjectToken("the client that the token was issued to may not use the API any more")
            : new SubjectOwner(userId, verified.Methods);
    }
}

/// <summary>The user, if the token stands for one, and why a privileged worker asks.</summary>
/// <param name="Methods">How the user signed in to the session that the token comes from; empty where there was none.</param>
internal sealed record Subject(Outcome<User> User, IReadOnlyList<string> Methods, string? AuditContext);

internal sealed record SubjectOwner(string UserId, IReadOnlyList<string> Methods);
