using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using ModelContextProtocol.Protocol;
using TokenVault.Server.Connections;
using TokenVault.Server.Diagnostics;
using TokenVault.Server.Exchange;
using TokenVault.Server.Http;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Mcp;

/// <summary>
/// Calls a provider's API with the user's token, which never leaves for anywhere else: 1 only where the operator allows it → 2 the exchange
/// itself decides, with all its rules, and leaves its trace → 3 one request through the egress guard, no redirect followed, once → 4 a trace
/// of the call, then its answer, bounded, in which the token does not stand.
/// </summary>
internal sealed class OnBehalfCall(
    FederatedConnectionExchange exchange, EgressGuard guard, CallTrace trace, TokenVaultOptions options, TimeProvider time, ILogger<OnBehalfCall> logger)
    : IDisposable
{
    /// <summary>Of an answer, after decompression.</summary>
    public const int AnswerLimit = 64 * 1024;

    private readonly UpstreamHttp _http = new(guard, time);

    public void Dispose() => _http.Dispose();

    public IEnumerable<string> BaseUrls(string connection) =>
        options.Mcp.Calls.Where(permit => permit.Connection == connection).SelectMany(permit => permit.BaseUrls);

    /// <returns>The answer; or the exchange's refusal.</returns>
    public async Task<(CallToolResult? Answer, OAuthError? Refusal)> RunAsync(McpCaller caller, CallRequest call, CancellationToken cancellationToken)
    {
        // 1
        if (!CallTarget.TryParse(call.Url, BaseUrls(call.Connection), out var url, out var problem))
        {
            await trace.WriteAsync(caller, call, url: null, "refused: the address " + problem);
            return (ToolAnswer.Failed(FailureReason.PolicyDenied, $"The address {problem}."), null);
        }

        // 2
        if (!caller.Client.MayUse(Wire.FederatedExchange))
        {
            await trace.WriteAsync(caller, call, url, "refused: the client may not exchange");
            return (null, OAuthError.GrantTypeNotAllowed(Wire.FederatedExchange) with { Reason = FailureReason.PolicyDenied });
        }

        var token = await exchange.ExchangeAsync(ExchangeRequest.For(caller.Token, call.Connection, call.Scopes, call.Account), caller.Client, caller.Origin, cancellationToken);
        if (token.Failed(out var refused))
        {
            return (null, refused);
        }

        return (await SendAsync(caller, call, url, token.Value), null);
    }

    private async Task<CallToolResult> SendAsync(McpCaller caller, CallRequest call, Uri url, TokenResponse token)
    {
        // 3 Whatever becomes of the caller: what has begun is finished, and leaves its trace.
        using var request = Request(call, url, token);
        var result = await _http.SendAsync(request, AnswerLimit, CancellationToken.None);

        // 4
        var status = result.Value is { } value ? $"{(int)value.Status}" : result.Failure!.Detail;
        try
        {
            await trace.WriteAsync(caller, call, url, status, result.Value is not null);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // No answer without its trace (T-AU-02); and no "try again" either, by which the provider might act twice.
            Log.UnexpectedFailure(logger, e, call.Method, McpOptions.Path);
            return Unknown("it could not be logged");
        }

        return Answer(result, token);
    }

    private static HttpRequestMessage Request(CallRequest call, Uri url, TokenResponse token)
    {
        var request = new HttpRequestMessage(new HttpMethod(call.Method), url);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token.AccessToken.Reveal());
        if (call.Body is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(call.Body));
            request.Content.Headers.ContentType = new MediaTypeHeaderValue(call.ContentType);
        }

        return request;
    }

    private static CallToolResult Answer(ProviderResult<UpstreamAnswer> result, TokenResponse token)
    {
        if (result.Value is not { } answer)
        {
            return result.Failure!.Kind == ProviderFailureKind.OutcomeUnknown
                ? Unknown(result.Failure.Detail)
                : ToolAnswer.Failed(FailureReason.TemporarilyUnavailable, $"The provider was not reached: {result.Failure.Detail}.");
        }

        var json = new JsonObject { ["status"] = (int)answer.Status, ["content_type"] = answer.MediaType is { } type ? WithoutToken(type, token.AccessToken.Reveal()) : null };
        if (IsText(answer))
        {
            json["body"] = WithoutToken(Encoding.UTF8.GetString(answer.Body), token.AccessToken.Reveal());
        }
        else if (answer.Body.Length > 0)
        {
            json["omitted_bytes"] = answer.Body.Length;
        }

        var told = ToolAnswer.Of(json.With("retry_after_seconds", (long?)answer.RetryAfter?.TotalSeconds));
        told.IsError = (int)answer.Status >= 400;
        return told;
    }

    private static CallToolResult Unknown(string detail) =>
        ToolAnswer.Failed("outcome_unknown", $"There is no usable answer: {detail}. Whether the provider has acted is not known.");

    /// <summary>An API may echo what it was sent, in one spelling or another; the model sees no token even so (T-CL-07).</summary>
    private static string WithoutToken(string body, string token) =>
        new[] { token, JsonEncodedText.Encode(token).ToString(), token.Replace("/", "\\/", StringComparison.Ordinal), Uri.EscapeDataString(token) }
            .Aggregate(body, (text, spelling) => text.Replace(spelling, "[secret]", StringComparison.OrdinalIgnoreCase));

    /// <summary>With a NUL it is UTF-16 or the like, in which the token would not be found.</summary>
    private static bool IsText(UpstreamAnswer answer) =>
        answer.MediaType is { } type && !answer.Body.Contains((byte)0) && (type.StartsWith("text/", StringComparison.OrdinalIgnoreCase) || type.EndsWith("json", StringComparison.OrdinalIgnoreCase)
            || type.EndsWith("xml", StringComparison.OrdinalIgnoreCase) || type.EndsWith("x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase));
}

/// <param name="Account">Which of several accounts: the user's id at the provider.</param>
internal sealed record CallRequest(string Connection, string Method, string Url, string? Body, string ContentType, IReadOnlyList<string> Scopes, string? Account);
