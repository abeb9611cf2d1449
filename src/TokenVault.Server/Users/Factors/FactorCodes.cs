using TokenVault.Server.Audit;
using TokenVault.Server.Http;
using TokenVault.Server.Keys;

namespace TokenVault.Server.Users.Factors;

/// <summary>
/// Codes of authenticator apps, held against a user's secret. Only who knows the password gets as far as to guess one, so the user's limit
/// goes for everybody: a few a minute, and after many wrong ones in a row one an hour (NIST SP 800-63B §5.2.2).
/// </summary>
internal sealed class FactorCodes(FactorAcceptance acceptance, KeyRing ring, AttemptLimiter limiter, TimeProvider time)
{
    private const int MostAMinute = 5;
    private const int MostInARow = 20;

    private static readonly TimeSpan Pause = TimeSpan.FromHours(1);

    /// <summary>Of the app that the user has.</summary>
    public async ValueTask<CodeCheck> CheckAsync(HttpContext context, FactorVisit visit, string? code)
    {
        var factors = visit.Factors;
        if (factors.Failures >= MostInARow && factors.FailedAt + Pause > time.GetUtcNow())
        {
            return new CodeCheck(Accepted: null, 429, "There were too many wrong codes. Use another way, or wait an hour.");
        }

        if (factors.SealedTotpSecret is not { } sealedSecret)
        {
            return Wrong();
        }

        return await CheckAsync(context, visit, ring.Open(sealedSecret, UserFactors.TotpAad(factors.UserId)), factors.TotpStep, code);
    }

    /// <summary>Of the app that is being set up.</summary>
    public ValueTask<CodeCheck> CheckNewAsync(HttpContext context, FactorVisit visit, byte[] secret, string? code) =>
        CheckAsync(context, visit, secret, used: 0, code);

    private async ValueTask<CodeCheck> CheckAsync(HttpContext context, FactorVisit visit, byte[] secret, long used, string? code)
    {
        var key = Key(visit);
        if (!MayTry(visit))
        {
            // One entry a minute tells it; a thousand would hide it.
            if (limiter.Begin(key + " limit", limit: 1) is null)
            {
                await acceptance.RefusedAsync(context, visit, AuditType.FactorLimitReached);
            }

            return new CodeCheck(Accepted: null, 429, "Too many attempts. Wait a minute, then try again.");
        }

        var now = time.GetUtcNow();
        var digits = string.Concat((code ?? "").Where(character => !char.IsWhiteSpace(character)));
        if (Totp.Match(secret, digits, now, used) is not { } step)
        {
            await acceptance.CountFailureAsync(context, visit, now);
            return Wrong();
        }

        limiter.Succeeded(key);
        return new CodeCheck(visit.Factors with { TotpStep = step, TotpUsedAt = now, Failures = 0, FailedAt = null }, 200, "");
    }

    /// <summary>Counts an attempt, of whatever kind of code.</summary>
    public bool MayTry(FactorVisit visit) => limiter.Begin(Key(visit), MostAMinute) is null;

    private static string Key(FactorVisit visit) => $"second factor {visit.User.UserId}";

    private static CodeCheck Wrong() => new(Accepted: null, 401, "The code is wrong or was used already. Wait for the next one.");
}

/// <param name="Accepted">The factors after the use; null when there is a problem.</param>
internal sealed record CodeCheck(UserFactors? Accepted, int Status, string Problem);
