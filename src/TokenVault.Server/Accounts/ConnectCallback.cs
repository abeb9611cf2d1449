using TokenVault.Server.Audit;
using TokenVault.Server.Connections;
using TokenVault.Server.Diagnostics;
using TokenVault.Server.Http;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Accounts;

/// <summary>The provider's answer: redeemed once, kept sealed and pending, and the browser sent back to the application with a connect code.</summary>
internal sealed class ConnectCallback(
    IStorage storage, ProviderClient provider, ConnectSealer sealer, AuditLog audit, TimeProvider time, ILogger<ConnectCallback> logger)
{
    /// <summary>How long the application has to complete.</summary>
    private static readonly TimeSpan CodeLifetime = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan RedeemTime = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10);

    /// <summary>The codes of RFC 6749 §4.1.2.1 and OpenID Connect Core §3.1.2.6; others are not handed on (T-CF-11).</summary>
    public static IReadOnlyList<string> KnownErrors { get; } =
    [
        "access_denied", "invalid_request", "unauthorized_client", "unsupported_response_type", "invalid_scope", "server_error",
        "temporarily_unavailable", "interaction_required", "login_required", "account_selection_required", "consent_required",
    ];

    public DateTimeOffset Now => time.GetUtcNow();

    public async Task HandleAsync(HttpContext context, ConnectRequest request, Connection connection, RequestParameters answer)
    {
        // The state is used up before anything is sent: a second callback finds nothing.
        var redeeming = request with { Stage = ConnectStage.Redeeming, Deadline = Now + RedeemTime };
        if (!(await storage.CommitAsync(new Batch().Replace(redeeming))).Committed)
        {
            await Page.Error(400, "This link was used already", "Go back to the application and connect the account again.").WriteAsync(context);
            return;
        }

        redeeming = redeeming with { Version = request.Version + 1 };
        if (answer["error"] is { } error)
        {
            await RefuseAsync(context, redeeming, connection, error, answer["iss"]);
            return;
        }

        if (answer["code"] is not { Length: <= 4096 } providerCode)
        {
            await EndAsync(context, redeeming, connection, "server_error", "The provider's answer has no code.");
            return;
        }

        var proof = sealer.OpenProof(redeeming);
        var redeem = new RedeemUpstream(
            provider.CallbackUrl(connection), providerCode, proof.Nonce, proof.CodeVerifier, answer["iss"], redeeming.Scopes)
        {
            CallbackParameter = name => answer[name],
        };

        // Not the browser's to cancel: the provider may have issued tokens already.
        var (grant, failure) = await provider.RedeemAsync(connection, redeem, CancellationToken.None);
        if (failure is null)
        {
            await KeepPendingAsync(context, redeeming, connection, grant!);
            return;
        }

        if (grant is not null)
        {
            await KeepAsync(new Batch().Insert(sealer.Hold(redeeming, connection, PendingGrant.From(grant, Now), deadline: Now)));
        }

        await FailAsync(context, redeeming, connection, failure);
    }

    private async Task RefuseAsync(HttpContext context, ConnectRequest request, Connection connection, string error, string? iss)
    {
        if (await provider.MixUpAsync(connection, iss, context.RequestAborted) is { } mixUp)
        {
            await FailAsync(context, request, connection, mixUp);
            return;
        }

        var code = KnownErrors.Contains(error, StringComparer.Ordinal) ? error : "server_error";
        await EndAsync(context, request, connection, code, "The provider did not grant access.");
    }

    /// <summary>The provider could not be asked, or gave nothing usable: the application hears a code, the log the cause.</summary>
    public Task FailAsync(HttpContext context, ConnectRequest request, Connection connection, ProviderFailure failure)
    {
        Log.ConnectFailed(logger, connection.Name, failure.Kind.ToString(), failure.Detail);
        var away = failure.Kind is ProviderFailureKind.Unavailable or ProviderFailureKind.NotSent or ProviderFailureKind.OutcomeUnknown;
        return EndAsync(
            context,
            request,
            connection,
            away ? "temporarily_unavailable" : "server_error",
            away ? "The provider is temporarily unavailable." : "The provider's answer could not be used.");
    }

    private async Task KeepPendingAsync(HttpContext context, ConnectRequest request, Connection connection, ProviderGrant grant)
    {
        var code = new Secret(Identifier.Secret());
        var pending = request with
        {
            Stage = ConnectStage.Pending,
            ConnectCodeHash = Identifier.Hash(code.Reveal()),
            SealedProof = null,
            Deadline = Now + CodeLifetime,
        };
        var held = sealer.Hold(request, connection, PendingGrant.From(grant, Now), pending.Deadline);
        if (!await KeepAsync(new Batch().Insert(held).Replace(pending)))
        {
            await KeepAsync(new Batch().Insert(held with { Deadline = Now }));
            await EndAsync(context, request, connection, "access_denied", "The request was withdrawn meanwhile.");
            return;
        }

        Return(context, request, [new("connect_code", code.Reveal())]);
    }

    /// <summary>What the provider gave is here and nowhere else: a store that is away for a moment is waited for.</summary>
    private async Task<bool> KeepAsync(Batch batch)
    {
        for (var pause = TimeSpan.FromMilliseconds(100); ; pause *= 2)
        {
            try
            {
                return (await storage.CommitAsync(batch)).Committed;
            }
            catch (Exception) when (pause < LongestPause)
            {
                await Task.Delay(pause, time);
            }
        }
    }

    /// <summary>The request is over, and the application hears of it.</summary>
    public async Task EndAsync(HttpContext context, ConnectRequest request, Connection connection, string error, string description)
    {
        var failed = MyAccountEvents.Event(AuditType.ConnectedAccountFailed, context, request.UserId, request.ClientId) with
        {
            Connection = connection.Name,
            ConnectionId = connection.Id,
            Strategy = connection.Strategy,
        };
        var problem = new MyAccountProblem(400, error, description);
        await storage.CommitAsync(new Batch().Append(audit.Row(failed.Refused(problem) with { Description = $"{error}: {description}" })));
        await storage.CommitAsync(new Batch().Delete(request));
        Return(context, request, [new("error", error), new("error_description", description)]);
    }

    /// <summary>In the query, never the fragment: the SDKs read the query.</summary>
    private static void Return(HttpContext context, ConnectRequest request, List<KeyValuePair<string, string>> members)
    {
        if (request.State is { } state)
        {
            members.Add(new("state", state));
        }

        OAuthResponse.NoStore(context);
        context.Response.Redirect(Urls.WithQuery(request.RedirectUri, members));
    }
}
