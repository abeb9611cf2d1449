using System.Globalization;
using System.Text;
using TokenVault.Server.Clients;
using TokenVault.Server.Http;
using TokenVault.Server.Keys;
using TokenVault.Server.Keys.Jose;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Exchange;

/// <summary>
/// The subject token of a privileged worker: a JWT that the client signed itself, which names a user who is not present and says why it
/// asks. Good for one use, from the addresses and within the budget that the client has.
/// </summary>
internal sealed class PrivilegedSubjectReader(IStorage storage, PrivilegedBudget budget, TokenVaultOptions options, TimeProvider time)
{
    public const string JwtType = "token-vault-req+jwt";

    private const int LongestContext = 256;
    private const int LongestId = 256;

    /// <summary>How long a JWT without an end is good for.</summary>
    private static readonly TimeSpan LifeOfEndless = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan Skew = TimeSpan.FromSeconds(60);

    public async ValueTask<PrivilegedSubject> ReadAsync(ExchangeRequest request, Client client, RequestOrigin origin)
    {
        if (Refusal(request, client, origin) is { } forbidden)
        {
            return new PrivilegedSubject(forbidden);
        }

        if (Verify(request, client, time.GetUtcNow(), out var problem) is not { } jwt)
        {
            return new PrivilegedSubject(ExchangeErrors.InvalidSubjectToken(problem));
        }

        var context = jwt.Text("audit_context");
        var spent = SpentJti.Of(SpentJti.SubjectToken, client.ClientId, jwt.JwtId!, Until(jwt));
        if (await storage.FindAsync<SpentJti>(spent.Id, CancellationToken.None) is not null)
        {
            // The commit that would use it up again fails in any case: this only spares the work.
            return new PrivilegedSubject(ExchangeErrors.Replayed(), context) { AskedFor = jwt.Subject };
        }

        var refusal = await budget.SpendAsync(client, jwt.Subject!, origin);
        return new PrivilegedSubject(refusal is null ? jwt.Subject! : refusal, context, spent) { AskedFor = jwt.Subject };
    }

    /// <summary>What forbids it whatever the JWT says. Asked first: whoever stole one must not even use it up.</summary>
    private OAuthError? Refusal(ExchangeRequest request, Client client, RequestOrigin origin)
    {
        if (client.PrivilegedAccess is not { } access)
        {
            return ExchangeErrors.ClientMayNot("The client has no privileged access to the Token Vault.");
        }

        if (!MayCallFrom(access, origin))
        {
            return ExchangeErrors.Denied("The request comes from an address that is not in the client's ip_allowlist.");
        }

        if (options.PrivilegedWorker.RequireGrants && access.Grants is null)
        {
            return ExchangeErrors.Denied("This deployment demands grants of a privileged worker.");
        }

        return request.AsksForRefreshToken && !options.PrivilegedWorker.RefreshTokens
            ? ExchangeErrors.Denied("This deployment does not hand out refresh tokens.")
            : null;
    }

    /// <summary>The address of the peer, or what a named proxy says it was; one in no plain spelling is in no list (T-PW-05).</summary>
    private bool MayCallFrom(PrivilegedAccess access, RequestOrigin origin)
    {
        if (access.IpAllowlist is not { } allowed)
        {
            return !options.PrivilegedWorker.RequireIpAllowlist;
        }

        return StrictIPAddress.TryParse(origin.Ip, out var address)
            && allowed.Any(text => Network.TryParse(text, out var network) && network.Contains(address));
    }

    private VerifiedJwt? Verify(ExchangeRequest request, Client client, DateTimeOffset now, out string problem)
    {
        var expected = new JwtExpectations
        {
            Issuer = client.ClientId,
            Audience = options.Issuer,
            SingleAudience = true,
            Types = [JwtType],
            Skew = Skew,
            RequireExpiry = false,
            MaxLifetime = PrivilegedWorkerOptions.LongestLife,
            MaxAge = options.PrivilegedWorker.MaxTokenAge,
        };

        // The keys of this client and this purpose, and no others (T-PW-02). Without a kid there must be one only.
        var keys = client.PrivilegedAccess!.Credentials.Select(client.Credential).OfType<ClientCredential>().Where(key => key.IsAlive(now)).ToList();
        var jwt = JwtVerifier.Verify(
            request.SubjectToken.Reveal(), expected,
            kid => (kid is null ? (keys.Count == 1 ? keys[0] : null) : keys.Find(key => key.Kid == kid))?.Key(),
            now, out problem);
        if (jwt is not null)
        {
            problem = Problem(jwt, now);
        }

        return problem.Length == 0 ? jwt : null;
    }

    private static string Problem(VerifiedJwt jwt, DateTimeOffset now)
    {
        if (jwt.ExpiresAt is null && now - jwt.IssuedAt > LifeOfEndless + Skew)
        {
            return "the token has no exp and is older than a minute";
        }

        if (jwt.JwtId is not { Length: > 0 and <= LongestId } || jwt.Subject is not { Length: > 0 and <= LongestId } subject || subject.Any(char.IsControl))
        {
            return "sub or jti is missing or not one";
        }

        return IsContext(jwt.Text("audit_context")) ? "" : "audit_context must have 1 to 256 characters, and none that controls how text is shown";
    }

    /// <summary>In characters as Unicode counts them. What breaks, hides or turns round a line of the log is no reason for anything (T-PW-11).</summary>
    private static bool IsContext(string? text) =>
        !string.IsNullOrWhiteSpace(text)
        && text.EnumerateRunes().Count() <= LongestContext
        && text.EnumerateRunes().All(rune => Rune.GetUnicodeCategory(rune) is not (
            UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
            or UnicodeCategory.Surrogate or UnicodeCategory.OtherNotAssigned));

    private static DateTimeOffset Until(VerifiedJwt jwt) => (jwt.ExpiresAt ?? jwt.IssuedAt!.Value + LifeOfEndless) + Skew;
}

/// <summary>Whom a privileged worker asks for, if it may, why it does, and the name of its token; null before that is known.</summary>
internal sealed record PrivilegedSubject(Outcome<string> UserId, string? AuditContext = null, SpentJti? Spent = null)
{
    /// <summary>The id that the token names, also where it may not, and whether there is such a user or not.</summary>
    public string? AskedFor { get; init; }
}
