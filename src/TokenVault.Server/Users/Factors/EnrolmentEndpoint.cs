using System.Security.Cryptography;
using TokenVault.Server.Audit;
using TokenVault.Server.Http;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Users.Factors;

/// <summary>
/// The page on which a user sets up a second factor. Until it is proved nothing is stored: the secret of an authenticator app travels,
/// sealed, in the page.
/// </summary>
internal sealed class EnrolmentEndpoint(
    FactorVisits visits, FactorCodes codes, PasskeyCeremony passkeys, RecoveryCodes recovery, FactorAcceptance acceptance, FactorSecrets secrets)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet(FactorVisits.EnrolPath, ShowAsync);
        routes.MapPost(FactorVisits.EnrolPath, AnswerAsync);
    }

    private async Task ShowAsync(HttpContext context)
    {
        var visit = await visits.OpenAsync(context, context.Request.Query["state"]);
        await (visit is { MayEnrol: true }
            ? AskAsync(context, visit, RandomNumberGenerator.GetBytes(Totp.SecretSize), problem: null, status: 200)
            : AuthorizePage.Expired().WriteAsync(context));
    }

    private async Task AskAsync(HttpContext context, FactorVisit visit, byte[] secret, string? problem, int status)
    {
        var offer = await passkeys.OfferNewAsync(context, visit);
        var factor = new PageFactor(visit.User.UserId) { TotpSecret = Convert.ToBase64String(secret), Ceremony = offer.Ceremony };
        await FactorPages.Enrol(visits.Show(context, visit, factor), secrets.Issuer, secret, offer, (problem, status)).WriteAsync(context);
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var (visit, form) = await visits.ReadAsync(context);
        if (visit is not { MayEnrol: true, Factor.TotpSecret: { } text })
        {
            await AuthorizePage.Expired().WriteAsync(context);
            return;
        }

        var secret = Convert.FromBase64String(text);
        if (form["credential"] is { } credential)
        {
            await AddPasskeyAsync(context, visit, secret, credential);
            return;
        }

        var check = await codes.CheckNewAsync(context, visit, secret, form["code"]);
        if (check.Accepted is not { } proved)
        {
            await AskAsync(context, visit, secret, check.Problem, check.Status);
            return;
        }

        await EnrolAsync(context, visit, secrets.WithTotp(proved, secret), AuthenticationMethod.OneTimeCode);
    }

    private async Task AddPasskeyAsync(HttpContext context, FactorVisit visit, byte[] secret, string credential)
    {
        if (await passkeys.RegisterAsync(context, visit, credential) is not { } made)
        {
            await acceptance.RefusedAsync(context, visit, AuditType.PasskeyNotEnrolled);
            await AskAsync(context, visit, secret, "The passkey was not accepted.", 400);
            return;
        }

        await EnrolAsync(context, visit, made.Factors, PasskeyCeremony.MethodOf(made.Passkey));
    }

    private async Task EnrolAsync(HttpContext context, FactorVisit visit, UserFactors factors, string method)
    {
        var (stored, shown) = factors.RecoveryHashes.Count == 0 ? recovery.Renew(factors) : (factors, []);
        if (!await acceptance.AcceptAsync(context, visit, stored, method, AuditType.FactorEnrolled))
        {
            await Page.Error(409, "It was set up elsewhere", "Go back to the application and sign in again.").WriteAsync(context);
            return;
        }

        if (shown.Count > 0)
        {
            await FactorPages.Codes(visit, shown).WriteAsync(context);
            return;
        }

        await AuthorizePage.GoOnAsync(context, visit.State.Query, visit.Text, "The second step is set up");
    }
}
