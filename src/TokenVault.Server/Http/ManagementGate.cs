using TokenVault.Server.Audit;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Http;

/// <summary>What every Management API request passes: the token, the scope, the handler, the one renderer.</summary>
internal sealed partial class ManagementGate(
    PresentedTokens tokens, CallerStanding standing, TokenVaultOptions options, IStorage storage, AuditLog audit, ILogger<ManagementGate> logger)
{
    private readonly string _audience = options.Issuer + ManagementRoutes.BasePath;

    public static ManagementError MissingToken { get; } = ManagementError.Unauthorized("Missing authentication");

    private static ManagementError InvalidToken { get; } = ManagementError.Unauthorized("Invalid token");

    public async Task AnswerAsync(HttpContext context, RequiredScope scope, Func<ManagementRequest, Task<ManagementAnswer>> handler)
    {
        ManagementAnswer answer;
        try
        {
            answer = await AdmitAsync(context, scope, handler);
        }
        catch (BadHttpRequestException e)
        {
            answer = new ManagementError(e.StatusCode, "The request could not be read");
        }
        catch (Exception e) when (!context.RequestAborted.IsCancellationRequested && !context.Response.HasStarted)
        {
            // A bug or a broken row: the caller learns that it failed, the log learns why.
            Failed(logger, context.Request.Method, e);
            answer = ManagementError.Internal;
        }

        await ManagementResponse.WriteAsync(context, answer);
    }

    private async Task<ManagementAnswer> AdmitAsync(HttpContext context, RequiredScope scope, Func<ManagementRequest, Task<ManagementAnswer>> handler)
    {
        if (context.Request.Headers.Authorization.Count == 0)
        {
            return MissingToken;
        }

        var (caller, error) = await tokens.ReadAsync(context, _audience);
        if (caller is null)
        {
            Refused(logger, error?.Detail ?? error?.Description ?? "the header holds no token");
            return error is null or { Error: "invalid_token" } ? InvalidToken : ManagementError.Unauthorized(error.Description) with { Code = error.Error };
        }

        if (await standing(caller, _audience, context.RequestAborted) is not { } scopes)
        {
            return InvalidToken;
        }

        if (ManagementRequest.Of(context, caller) is not { } request)
        {
            return scope.IsMetBy(scopes) ? ManagementError.NotFound : ManagementError.InsufficientScope(scope);
        }

        var answer = scope.IsMetBy(scopes) ? await handler(request) : ManagementError.InsufficientScope(scope);
        await TraceAsync(request, answer);
        return answer;
    }

    /// <summary>A write that succeeded has left its trace in its own commit.</summary>
    private async Task TraceAsync(ManagementRequest request, ManagementAnswer answer)
    {
        // What the caller is told may repeat what they sent; the log is told the code.
        var row = (request.IsRead, answer.Error) switch
        {
            (false, { } error) => request.Audit("Refused", error.Status, target: null) with
            {
                Type = AuditType.FailedManagementWrite,
                Description = $"Refused: {error.Code ?? error.Phrase}",
            },
            (true, null) when options.Audit.ManagementReads => request.Audit("Read", answer.Status, target: null) with { Type = AuditType.ManagementRead },
            _ => null,
        };
        if (row is not null)
        {
            await storage.CommitAsync(new Batch().Append(audit.Row(row)));
        }
    }

    [LoggerMessage(4001, LogLevel.Information, "A Management API token was refused: {Problem}")]
    private static partial void Refused(ILogger logger, string problem);

    [LoggerMessage(4002, LogLevel.Error, "A Management API {Method} request failed")]
    private static partial void Failed(ILogger logger, string method, Exception exception);
}
