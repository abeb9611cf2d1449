using TokenVault.Server.Audit;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Users.Factors;

/// <summary>The page on which a user proves the second factor they have.</summary>
internal sealed class ChallengeEndpoint(FactorVisits visits, FactorCodes codes, PasskeyCeremony passkeys, RecoveryCodes recovery, FactorAcceptance acceptance)
{
    private const string Used = "It was used already. Try again.";

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet(FactorVisits.ChallengePath, ShowAsync);
        routes.MapPost(FactorVisits.ChallengePath, AnswerAsync);
        routes.MapGet(FactorVisits.RecoveryPath, ShowRecoveryAsync);
        routes.MapPost(FactorVisits.RecoveryPath, RecoverAsync);
    }

    private async Task ShowAsync(HttpContext context)
    {
        if (await visits.OpenAsync(context, context.Request.Query["state"]) is not { } visit)
        {
            await AuthorizePage.Expired().WriteAsync(context);
            return;
        }

        if (!visit.Factors.Any || visit.IsMultiFactor)
        {
            context.Response.Redirect(visit.IsMultiFactor ? AuthorizePage.ResumeUrl(visit.Text) : FactorVisits.Url(FactorVisits.EnrolPath, visit.Text));
            return;
        }

        await AskAsync(context, visit, problem: null, status: 200);
    }

    private async Task AskAsync(HttpContext context, FactorVisit visit, string? problem, int status)
    {
        var offer = visit.Factors.Passkeys.Count == 0 ? null : await passkeys.OfferAsync(context, visit);
        var shown = visits.Show(context, visit, new PageFactor(visit.User.UserId) { Ceremony = offer?.Ceremony });
        await FactorPages.Challenge(shown, offer, problem, status).WriteAsync(context);
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var (visit, form) = await visits.ReadAsync(context);
        if (visit is not { Factors.Any: true })
        {
            await AuthorizePage.Expired().WriteAsync(context);
            return;
        }

        if (form["credential"] is { } credential)
        {
            await UsePasskeyAsync(context, visit, credential);
            return;
        }

        var check = await codes.CheckAsync(context, visit, form["code"]);
        if (check.Accepted is not { } used)
        {
            await AskAsync(context, visit, check.Problem, check.Status);
            return;
        }

        await PassAsync(context, visit, used, AuthenticationMethod.OneTimeCode);
    }

    private async Task UsePasskeyAsync(HttpContext context, FactorVisit visit, string credential)
    {
        if (await passkeys.UseAsync(context, visit, credential) is not { } use)
        {
            await acceptance.RefusedAsync(context, visit, AuditType.PasskeyRefused);
            await AskAsync(context, visit, "The passkey was not accepted.", 401);
            return;
        }

        await PassAsync(context, visit, use.Factors, PasskeyCeremony.MethodOf(use.Passkey));
    }

    private async Task PassAsync(HttpContext context, FactorVisit visit, UserFactors used, string method)
    {
        if (!await acceptance.AcceptAsync(context, visit, used, method, AuditType.FactorAccepted))
        {
            await AskAsync(context, visit, Used, 409);
            return;
        }

        await AuthorizePage.GoOnAsync(context, visit.State.Query, visit.Text, "You are signed in");
    }

    private async Task ShowRecoveryAsync(HttpContext context)
    {
        var visit = await visits.OpenAsync(context, context.Request.Query["state"]);
        await (visit is { Factors.Any: true } ? FactorPages.Recovery(visit, problem: null, status: 200) : AuthorizePage.Expired()).WriteAsync(context);
    }

    private async Task RecoverAsync(HttpContext context)
    {
        var (visit, form) = await visits.ReadAsync(context);
        if (visit is not { Factors.Any: true })
        {
            await AuthorizePage.Expired().WriteAsync(context);
            return;
        }

        if (!codes.MayTry(visit))
        {
            await FactorPages.Recovery(visit, "Too many attempts. Wait a minute, then try again.", 429).WriteAsync(context);
            return;
        }

        if (recovery.Use(visit.Factors, form["code"]) is not { } used)
        {
            await acceptance.RefusedAsync(context, visit, AuditType.RecoveryRefused);
            await FactorPages.Recovery(visit, "The recovery code is wrong or was used already.", 401).WriteAsync(context);
            return;
        }

        if (!await acceptance.AcceptAsync(context, visit, used, method: null, AuditType.RecoveryAccepted))
        {
            await FactorPages.Recovery(visit, Used, 409).WriteAsync(context);
            return;
        }

        await FactorPages.Recovered(visit, used.RecoveryHashes.Count).WriteAsync(context);
    }
}
