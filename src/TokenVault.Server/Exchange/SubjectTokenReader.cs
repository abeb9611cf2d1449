using TokenVault.Server.Clients;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Users;

namespace TokenVault.Server.Exchange;

/// <summary>Who a subject token speaks for. The user, the client and the API are looked up each time, never remembered (T-ST-11).</summary>
internal sealed class SubjectTokenReader(
    IStorage storage, RememberedRows<User> users, RefreshTokens refreshTokens, AccessTokenSubjects accessTokens, PrivilegedSubjectReader privileged)
{
    public async ValueTask<Subject> ReadAsync(ExchangeAttempt attempt, CancellationToken cancellationToken)
    {
        var (request, client, recall) = (attempt.Request, attempt.Client, attempt.Recall);
        if (request.IsPrivileged)
        {
            // The second attempt of a request has been counted with the first; the user may have been blocked since.
            var asked = attempt.Subject?.Asked ?? await privileged.ReadAsync(request, client, attempt.Origin);
            return new Subject(await UserAsync(asked.UserId, recall, cancellationToken), [], asked.AuditContext, asked.Spent) { Asked = asked };
        }

        var owner = request.SubjectTokenType == Wire.RefreshTokenType
            ? await FromRefreshTokenAsync(request, client, recall, cancellationToken)
            : await accessTokens.ReadAsync(request, client, cancellationToken);
        return owner.Failed(out var error)
            ? new Subject(error, [], AuditContext: null)
            : new Subject(await UserAsync(owner.Value.UserId, recall, cancellationToken), owner.Value.Methods, AuditContext: null)
            {
                Presented = owner.Value.Presented,
            };
    }

    private async ValueTask<Outcome<User>> UserAsync(Outcome<string> userId, Recall recall, CancellationToken cancellationToken)
    {
        if (userId.Failed(out var error))
        {
            return error;
        }

        return await users.FindAsync(userId.Value, recall, cancellationToken) switch
        {
            null => OAuthError.InvalidGrant("The user of the subject token does not exist."),
            { Blocked: true } => ExchangeErrors.Denied("The user is blocked."),
            var user => user,
        };
    }

    private async ValueTask<Outcome<SubjectOwner>> FromRefreshTokenAsync(ExchangeRequest request, Client client, Recall recall, CancellationToken cancellationToken)
    {
        var presented = await refreshTokens.FindAsync(request.SubjectToken.Reveal(), recall, cancellationToken);
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

        if (record.BoundTo?.IsMetBy(request.Proven) == false)
        {
            return OAuthError.InvalidRefreshToken("the token is bound to a key that the request does not prove");
        }

        if (record.Rotating)
        {
            return ExchangeErrors.ClientMayNot("The Token Vault exchange does not support rotating refresh tokens. Exchange an access token instead.");
        }

        // Use keeps it alive. Losing this write to a concurrent use costs nothing.
        var used = refreshTokens.Used(record, client);
        if (!ReferenceEquals(used, record) && (await storage.CommitAsync(new Batch().Update(used))).Committed)
        {
            record = used.AtVersion(record.Version + 1);
        }

        return new SubjectOwner(record.UserId, record.Methods) { Presented = record };
    }
}

/// <summary>The user, if the token stands for one, and why a privileged worker asks.</summary>
/// <param name="Methods">How the user signed in to the session that the token comes from; empty where there was none.</param>
/// <param name="Spent">The name of the worker's token, which whatever comes of the request uses up in one commit with its trace (T-PW-03).</param>
internal sealed record Subject(Outcome<User> User, IReadOnlyList<string> Methods, string? AuditContext, SpentJti? Spent = null)
{
    /// <summary>What a worker's token says.</summary>
    public PrivilegedSubject? Asked { get; init; }

    /// <summary>The refresh token that was exchanged.</summary>
    public RefreshToken? Presented { get; init; }
}

internal sealed record SubjectOwner(string UserId, IReadOnlyList<string> Methods)
{
    public RefreshToken? Presented { get; init; }
}
