
namespace TokenVault.Server.Http;

/// <summary>What every Management API request passes: the token, the scope, the handler, the one renderer.</summary>
internal sealed partial class ManagementGate(
    PresentedTokens tokens, CallerStanding standing, TokenVaultOptions options, RequestRates rates, ManagementTrace trace, ILogger<ManagementGate> logger)
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
            await trace.BrokeAsync(context.Features.Get<ManagementRequest>(), context.Request.Method, e);
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

        if (!await rates.AdmitAsync(context, "management", caller.ClientId, caller.UserId))
        {
            return ManagementError.TooManyRequests("Global limit has been reached");
        }

        if (ManagementRequest.Of(context, caller, scopes) is not { } request)
        {
            return scope.IsMetBy(scopes) ? ManagementError.NotFound : ManagementError.InsufficientScope(scope);
        }

        context.Features.Set(request);
        var answer = scope.IsMetBy(scopes) ? await handler(request) : ManagementError.InsufficientScope(scope);
        await trace.AnsweredAsync(request, answer);
        return answer;
    }

    [LoggerMessage(4001, LogLevel.Information, "A Management API token was refused: {Problem}")]
    private static partial void Refused(ILogger logger, string problem);
}
