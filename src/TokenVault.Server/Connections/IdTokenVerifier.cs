using TokenVault.Server.Keys.Jose;

namespace TokenVault.Server.Connections;

/// <summary>Judges the id_tokens of providers (OpenID Connect Core §3.1.3.7 and §12.2).</summary>
internal sealed class IdTokenVerifier(ProviderKeys keys, TimeProvider time)
{
    // The media type is seldom named in an id_token's header; a logout or access token names its own (RFC 8725 §3.11).
    private static readonly IReadOnlyList<string> Types = ["JWT", ""];

    /// <summary>The user that a freshly issued id_token names, if every claim is as it must be.</summary>
    public async Task<ProviderResult<ProviderIdentity>> VerifyAsync(
        string idToken, ProviderTarget target, string nonce, CancellationToken cancellationToken)
    {
        var clientId = target.Registration.ClientId;
        var expected = new JwtExpectations
        {
            Issuer = target.Endpoints.Issuer!,
            IssuerClaim = target.Provider.IssuerClaim,
            Audience = clientId,
            Types = Types,
        };
        var found = await VerifyAsync(idToken, target.Endpoints, expected, cancellationToken);
        if (found.Token is not { } token)
        {
            return new(null, found.Failure);
        }

        if (Problem(token, clientId) is { } problem)
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

        if (target.Provider.IdTokenClaims.Any(claim => !Says(token, claim.Key, claim.Value)))
        {
            return Rejected("an account of another organization");
        }

        var email = token.Text("email");
        return new(new ProviderIdentity(token.Issuer, token.Subject!, ProviderIdentity.IsSubject(email) ? email : null), null);
    }

    /// <summary>
    /// Whether the id_token of a refresh speaks of the account that was connected (T-UP-08); null when nothing speaks against it.
    /// </summary>
    /// <remarks>
    /// Some providers repeat the id_token of the sign-in, so its age says nothing here. And a token whose key cannot be had proves
    /// nothing either way: the provider may as well have sent none, and the tokens beside it must not be lost for it.
    /// </remarks>
    public async Task<ProviderFailure?> CompareAsync(string idToken, ProviderEndpoints provider, string clientId, ProviderIdentity account)
    {
        var expected = new JwtExpectations
        {
            Issuer = account.Issuer,
            Audience = clientId,
            Types = Types,
            RequireExpiry = false,
            Skew = TimeSpan.FromDays(3650),
        };
        var found = await VerifyAsync(idToken, provider, expected, CancellationToken.None);
        if (found.Token is null)
        {
            return found.KeyMissing ? null : found.Failure;
        }

        if (Problem(found.Token, clientId) is { } problem)
        {
            return Rejected(problem).Failure;
        }

        return string.Equals(found.Token.Subject, account.Subject, StringComparison.Ordinal) ? null : Rejected("another subject").Failure;
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
                return new Verification(null, failure, KeyMissing: true);
            }

            var missed = false;
            var token = JwtVerifier.Verify(idToken, expected, Find, time.GetUtcNow(), out problem);
            if (token is not null || !missed)
            {
                return new Verification(token, token is null ? Rejected(problem).Failure : null, KeyMissing: false);
            }

            VerificationKey? Find(string? kid)
            {
                var key = ProviderKeys.Pick(set, kid);
                missed = key is null;
                return key;
            }
        }

        return new Verification(null, Rejected(problem).Failure, KeyMissing: true);
    }

    private static bool Says(VerifiedJwt token, string claim, string value) =>
        token.Text(claim) is { Length: > 0 } said && (value == "*" || string.Equals(said, value, StringComparison.OrdinalIgnoreCase));

    private static string? Problem(VerifiedJwt token, string clientId)
    {
        if (!ProviderIdentity.IsSubject(token.Subject))
        {
            return "no subject of a sensible length and form";
        }

        // §3.1.3.7 steps 4 and 5.
        var authorizedParty = token.Text("azp");
        if (authorizedParty is null)
        {
            return token.Audiences.Count > 1 ? "several audiences and no azp" : null;
        }

        return string.Equals(authorizedParty, clientId, StringComparison.Ordinal) ? null : "another azp";
    }

    private static ProviderResult<ProviderIdentity> Rejected(string problem) =>
        new(null, new ProviderFailure(ProviderFailureKind.IdentityRejected, "the id_token is not valid: " + problem));

    private sealed record Verification(VerifiedJwt? Token, ProviderFailure? Failure, bool KeyMissing);
}
