using TokenVault.Server.Keys.Jose;
using TokenVault.Server.Users;

namespace TokenVault.Server.Connections;

/// <summary>Judges the id_tokens of providers (OpenID Connect Core §3.1.3.7 and §12.2).</summary>
internal sealed class IdTokenVerifier(ProviderKeys keys, TimeProvider time)
{
    private const long LatestTime = 253_402_300_800;

    // The media type is seldom named in an id_token's header; a logout or access token names its own (RFC 8725 §3.11).
    private static readonly IReadOnlyList<string> Types = ["JWT", ""];

    /// <summary>The user that a freshly issued id_token names, if every claim is as it must be.</summary>
    public async Task<ProviderResult<ProviderIdentity>> VerifyAsync(
        string idToken, ProviderTarget target, string nonce, CancellationToken cancellationToken)
    {
        var expected = new JwtExpectations
        {
            Issuer = target.Endpoints.Issuer!,
            IssuerClaim = target.Provider.IssuerClaim,
            Audience = target.Registration.ClientId,
            Types = Types,
        };
        var found = await VerifyAsync(idToken, target.Endpoints, expected, cancellationToken);
        if (found.Token is not { } token)
        {
            return new(null, found.Failure);
        }

        if (Problem(token, target, first: true) is { } problem)
        {
            return Rejected(problem);
        }

        if (token.IssuedAt is null)
        {
            return Rejected("no iat");
        }

        if (!string.Equals(token.Text("nonce"), nonce, StringComparison.Ordinal))
        {
            return Rejected("another nonce");
        }

        return new(Identity(token), null);
    }

    /// <summary>Has the keys at hand for <see cref="Compare"/>; whatever becomes of it.</summary>
    public Task PrepareAsync(ProviderEndpoints provider) => keys.FindAsync(provider, afterMiss: false, CancellationToken.None);

    /// <summary>
    /// Whether the id_token of a refresh speaks of the account that was connected (T-UP-08); null when nothing speaks against it.
    /// </summary>
    /// <remarks>
    /// It asks nobody: the answer that came with it is not in the store yet, and must get there first (F-03). Some providers repeat the
    /// id_token of the sign-in, so its age says nothing here. And a token that no key at hand verifies proves nothing either way (the provider
    /// may have another key since, under a new id or the old one): it may as well have sent none, and the tokens beside it must not be lost for it.
    /// </remarks>
    public ProviderFailure? Compare(string idToken, ProviderTarget target, ProviderIdentity account)
    {
        var expected = new JwtExpectations
        {
            Issuer = account.Issuer,
            Audience = target.Registration.ClientId,
            Types = Types,
            RequireExpiry = false,
            Skew = TimeSpan.FromDays(3650),
        };
        if (VerifiedJws.Verify(idToken, kid => ProviderKeys.Pick(keys.Held(target.Endpoints), kid), out _) is not { } jws)
        {
            return null;
        }

        if (VerifiedJwt.Check(jws, expected, time.GetUtcNow(), out var broken) is not { } token)
        {
            return Rejected(broken).Failure;
        }

        if (Problem(token, target, first: false) is { } problem)
        {
            return Rejected(problem).Failure;
        }

        return string.Equals(token.Subject, account.Subject, StringComparison.Ordinal) ? null : Rejected("another subject").Failure;
    }

    private async Task<Verification> VerifyAsync(
        string idToken, ProviderEndpoints provider, JwtExpectations expected, CancellationToken cancellationToken)
    {
        var problem = "";
        foreach (var afterMiss in (bool[])[false, true])
        {
            var (set, failure) = await keys.FindAsync(provider, afterMiss, cancellationToken);
            if (set is null)
            {
                return new Verification(null, failure);
            }

            // Not only where the key's id is unknown: some providers put another key under an id that they had before, or name none.
            if (JwtVerifier.Verify(idToken, expected, kid => ProviderKeys.Pick(set, kid), time.GetUtcNow(), out problem) is { } token)
            {
                return new Verification(token, null);
            }
        }

        return new Verification(null, Rejected(problem).Failure);
    }

    private static bool Says(VerifiedJwt token, string claim, string value) =>
        token.Text(claim) is { Length: > 0 } said && (value == "*" || string.Equals(said, value, StringComparison.OrdinalIgnoreCase));

    private static ProviderIdentity Identity(VerifiedJwt token)
    {
        var verified = token.Flag("email_verified") ?? token.Text("email_verified") == "true";
        var email = ProviderIdentity.Printable(token.Text("email"));
        return new ProviderIdentity(token.Issuer, token.Subject!, email)
        {
            Profile = UserProfile.Of(token.Text, email, verified),
            AuthenticatedAt = token.Number("auth_time") is { } at and > 0 and < LatestTime ? DateTimeOffset.FromUnixTimeSeconds(at) : null,
        };
    }

    private static string? Problem(VerifiedJwt token, ProviderTarget target, bool first)
    {
        if (ValidateUpstreamIdentity.Problem(target.Connection, token.Subject, claim => Texts(token, claim), first) is { } problem)
        {
            return problem;
        }

        // As with the operator's own restrictions, a refresh may leave the claim out (T-UP-09).
        if (target.Provider.IdTokenClaims.Any(claim => (first || Texts(token, claim.Key) is not null) && !Says(token, claim.Key, claim.Value)))
        {
            return "an account of another organization";
        }

        // §3.1.3.7 steps 4 and 5.
        var authorizedParty = token.Text("azp");
        if (authorizedParty is null)
        {
            return token.Audiences.Count > 1 ? "several audiences and no azp" : null;
        }

        return string.Equals(authorizedParty, target.Registration.ClientId, StringComparison.Ordinal) ? null : "another azp";
    }

    private static IReadOnlyList<string>? Texts(VerifiedJwt token, string claim) =>
        token.Text(claim) is { } text ? [text] : token.TextList(claim);

    private static ProviderResult<ProviderIdentity> Rejected(string problem) =>
        new(null, new ProviderFailure(ProviderFailureKind.IdentityRejected, "the id_token is not valid: " + problem));

    private sealed record Verification(VerifiedJwt? Token, ProviderFailure? Failure);
}
