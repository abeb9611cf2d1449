using TokenVault.Server.Diagnostics;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Http;

/// <summary>A bug, or a store that is away: the log learns what happened, the caller only that it did.</summary>
internal sealed class UnexpectedFailure(RequestDelegate next, ILogger<UnexpectedFailure> logger)
{
    public async Task InvokeAsync(HttpContext context)
    {
        try
        {
            await next(context);
        }
        catch (BadHttpRequestException e) when (!context.Response.HasStarted)
        {
            await OAuthResponse.WriteErrorAsync(context, new OAuthError(e.StatusCode, "invalid_request", "The request could not be read."));
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The caller has gone: there is nobody to answer.
            context.Response.StatusCode = 499;
        }
        catch (Exception e) when (!context.Response.HasStarted)
        {
            var route = (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? "(no route)";
            Log.UnexpectedFailure(logger, e, context.Request.Method, route);
            var error = new OAuthError(503, "temporarily_unavailable", "The server cannot answer now. Try again later.")
            {
                Reason = FailureReason.TemporarilyUnavailable,
                RetryAfter = TimeSpan.FromSeconds(5),
            };
            await OAuthResponse.WriteErrorAsync(context, error);
        }
    }
}
