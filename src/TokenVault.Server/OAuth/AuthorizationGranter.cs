using TokenVault.Server.Clients;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Users;

namespace TokenVault.Server.OAuth;

/// <summary>What a signed-in user's authorization comes to: the scopes, and the code that stands for them.</summary>
internal sealed class AuthorizationGranter(IStorage storage, SessionCookie sessions, ApiAccessPolicy policy, IdTokens idTokens, TimeProvider time)
{
    private static readonly TimeSpan CodeLifetime = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan CodeMemory = TimeSpan.FromMinutes(10);

    public DateTimeOffset Now => time.GetUtcNow();

    /// <summary>The user that the client expects; null when it names none, or by a token that is not ours or not the client's.</summary>
    public IdTokenHint? ReadHint(AuthorizeRequest request) =>
        request.IdTokenHint is { } hint ? idTokens.ReadHint(hint, request.Client.ClientId) : null;

    public async ValueTask<Outcome<IReadOnlyList<string>>> ScopesAsync(AuthorizeRequest request, CancellationToken cancellationToken)
    {
        var access = await policy.ForUserAsync(request.Client, request.Audience, request.Scopes, cancellationToken);
        return access.Failed(out var error) ? error : Outcome.Of(access.Value.Scopes);
    }

    /// <returns>Null when the session has ended meanwhile: whoever signs out ends what is under way, too.</returns>
    public async Task<Secret?> IssueCodeAsync(AuthorizeRequest request, SignedIn signedIn, IReadOnlyList<string> scopes)
    {
        var code = new Secret(Identifier.Secret());
        var record = Record(code, request, signedIn, scopes);
        for (Session? session = signedIn.Session; session is not null;)
        {
            // The session is replaced or required, never put: to put it could bring back one that was just ended.
            var used = await sessions.UsedAsync(session, request.Client.ClientId);
            var batch = new Batch().Insert(record);
            batch = ReferenceEquals(used, session) ? batch.Require(session) : batch.Replace(used);
            if ((await storage.CommitAsync(batch)).Committed)
            {
                return code;
            }

            session = await storage.FindAsync<Session>(session.Id, CancellationToken.None);
        }

        return null;
    }

    private AuthorizationCode Record(Secret code, AuthorizeRequest request, SignedIn signedIn, IReadOnlyList<string> scopes)
    {
        var now = time.GetUtcNow();
        return new AuthorizationCode
        {
            Id = Identifier.Hash(code.Reveal()),
            ClientId = request.Client.ClientId,
            UserId = signedIn.User.UserId,
            SessionId = signedIn.Session.Id,
            RedirectUri = request.RedirectUriSent ? request.RedirectUri : null,
            CodeChallenge = request.CodeChallenge,
            DpopKeyThumbprint = request.DpopKeyThumbprint,
            Nonce = request.Nonce,
            Audience = request.Audience,
            Scopes = scopes,
            AuthenticatedAt = signedIn.Session.AuthenticatedAt,
            Methods = signedIn.Session.Methods,
            ValidUntil = now + CodeLifetime,
            ForgottenAt = now + CodeMemory,
        };
    }
}
