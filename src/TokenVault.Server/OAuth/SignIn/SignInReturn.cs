using TokenVault.Server.Accounts;
using TokenVault.Server.Audit;
using TokenVault.Server.Connections;
using TokenVault.Server.Diagnostics;
using TokenVault.Server.Http;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.OAuth.SignIn;

/// <summary>
/// The provider's answer to a sign-in: redeemed once. What it gives is the vault's, or goes back to the provider the way that the tokens
/// of unfinished connect requests go; none of it is just dropped.
/// </summary>
internal sealed class SignInReturn(
    IStorage storage, ProviderClient provider, KeyRing ring, ConnectSealer sealer, SignInSession session, AuditLog audit, ILogger<SignInReturn> logger)
{
    private static readonly TimeSpan Skew = TimeSpan.FromSeconds(60);

    /// <returns>An error to take to the application; null when the user is signed in, or the identity linked.</returns>
    public async Task<OAuthError?> ReceiveAsync(HttpContext context, AuthorizeRequest asked, SignInArrival arrival)
    {
        var (request, connection, answer, _) = arrival;
        var error = answer["error"] is { } code ? await RefusalAsync(connection, code, answer["iss"]) : await RedeemAsync(context, asked, arrival);
        if (error is not null)
        {
            Log.SignInFailed(logger, connection.Name, error.Error, error.Detail ?? error.Description);
            var failed = SignInSession.Event(context, AuditType.FailedLogin, request, connection) with
            {
                UserId = request.LinkTo,
                Description = $"{error.Error}: {error.Description}",
            };
            await storage.CommitAsync(new Batch().Append(audit.Row(failed)));
            if (request.Stays(connection))
            {
                await storage.CommitAsync(new Batch().Delete(request));
            }
        }

        return error;
    }

    private async Task<OAuthError> RefusalAsync(Connection connection, string code, string? iss) =>
        await provider.MixUpAsync(connection, iss, CancellationToken.None) is { } mixUp ? SignInErrors.Of(mixUp) : SignInErrors.OfProvider(code);

    private async Task<OAuthError?> RedeemAsync(HttpContext context, AuthorizeRequest asked, SignInArrival arrival)
    {
        var (request, connection, answer, state) = arrival;
        if (!SignInDeparture.MaySignIn(connection, request.ClientId))
        {
            return OAuthError.AccessDenied("The connection is not enabled for sign-in any more.");
        }

        if (answer["code"] is not { Length: <= 4096 } code)
        {
            return new OAuthError(400, "server_error", "The provider's answer has no code.");
        }

        var proof = SignInProof.Of(ring, state);
        var redeem = new RedeemUpstream(provider.CallbackUrl(connection), code, proof.Nonce, proof.CodeVerifier, answer["iss"], request.Scopes)
        {
            WantsProfile = true,
        };

        // Not the browser's to cancel: the provider may have issued tokens already.
        var (grant, failure) = await provider.RedeemAsync(connection, redeem, CancellationToken.None);
        if (grant is null)
        {
            return SignInErrors.Of(failure!);
        }

        var tokens = PendingGrant.From(grant, session.Now);
        var (error, kept) = failure is not null
            ? new SignInOutcome(SignInErrors.Of(failure), Kept: false)
            : await LetInAsync(context, asked, arrival, tokens, grant.Identity);

        // Where nothing is kept, an access token's own end is near; a refresh token would live on.
        if (error is not null || (!kept && tokens.RefreshToken is not null))
        {
            var claim = new GrantClaim(request.Id, request.LinkTo ?? "", request.ClientId);
            await storage.CommitAsync(new Batch().Insert(sealer.Hold(claim, connection, tokens, deadline: session.Now)));
        }

        return error;
    }

    private async Task<SignInOutcome> LetInAsync(
        HttpContext context, AuthorizeRequest asked, SignInArrival arrival, PendingGrant tokens, ProviderIdentity? identity)
    {
        if (identity is null)
        {
            return new(new OAuthError(400, "server_error", "The provider does not say who the user is."), Kept: false);
        }

        // OpenID Connect Core §3.1.2.1: max_age went to the provider, whose word for it is auth_time.
        if (asked.MaxAge is { } maxAge && identity.AuthenticatedAt + maxAge + Skew < session.Now)
        {
            return new(new OAuthError(400, "login_required", "The user's sign-in at the provider is older than max_age."), Kept: false);
        }

        var grant = new SignInGrant(tokens, identity);
        return arrival.Request.LinkTo is null
            ? await session.BeginAsync(context, arrival.Request, arrival.Connection, grant)
            : await session.LinkAsync(context, arrival.Request, arrival.Connection, grant);
    }
}

/// <summary>A browser that is back from a provider, with the state it left with.</summary>
internal sealed record SignInArrival(SignInRequest Request, Connection Connection, RequestParameters Answer, Secret State);
