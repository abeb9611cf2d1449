using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using TokenVault.Server.Diagnostics;

namespace TokenVault.Server.Connections;

/// <summary>A provider's answer, whatever its status; the body is complete and within the limit.</summary>
internal sealed record UpstreamAnswer(HttpStatusCode Status, string? MediaType, byte[] Body, TimeSpan? RetryAfter, DateTimeOffset SentAt);

/// <param name="Patience">For the whole answer.</param>
/// <param name="MayStillSend">Asked last of all before the body leaves; null: it may.</param>
/// <param name="StatusOnly">What the answer says besides its status is not read, however long it is.</param>
internal readonly record struct SendTerms(TimeSpan Patience, Func<bool>? MayStillSend = null, bool StatusOnly = false);

/// <summary>
/// Sends one request to a provider, once: over a new HTTP/1.1 connection through the egress guard, with a deadline for the whole
/// answer and a cap on its size after decompression (T-UP-04). Nothing here tries again.
/// </summary>
internal sealed class UpstreamHttp(EgressGuard guard, TimeProvider time) : IDisposable
{
    /// <summary>The cap on every answer but a key set.</summary>
    public const int DefaultLimit = 64 * 1024;

    private static readonly TimeSpan LongestRetryAfter = TimeSpan.FromMinutes(15);
    private static readonly ProductInfoHeaderValue UserAgent = new("TokenVault", "0.1");

    private readonly HttpMessageInvoker _invoker = new(guard.CreateHandler(), disposeHandler: true);

    /// <summary>For calls whose answer is not the only copy of anything.</summary>
    public TimeSpan Deadline { get; } = guard.AnswerTimeout;

    public void Dispose() => _invoker.Dispose();

    /// <summary>An answer of any status, or why there is none.</summary>
    /// <exception cref="OperationCanceledException">The caller gave up; the deadline is a failure instead.</exception>
    public Task<ProviderResult<UpstreamAnswer>> SendAsync(HttpRequestMessage request, int limit, CancellationToken cancellationToken) =>
        SendAsync(request, limit, new SendTerms(Deadline), cancellationToken);

    /// <summary>As the other, on terms of the caller's choice.</summary>
    /// <exception cref="OperationCanceledException">The caller gave up; the deadline is a failure instead.</exception>
    public async Task<ProviderResult<UpstreamAnswer>> SendAsync(
        HttpRequestMessage request, int limit, SendTerms terms, CancellationToken cancellationToken)
    {
        using var activity = Telemetry.StartUpstreamCall();
        var start = time.GetTimestamp();
        var result = await SendOnceAsync(request, limit, terms, cancellationToken);
        var outcome = result.Value is { } answer
            ? ((int)answer.Status).ToString(CultureInfo.InvariantCulture)
            : ProviderFailures.Outcome(result.Failure);
        Telemetry.EndUpstreamCall(activity, request.RequestUri!.IdnHost, outcome, time.GetElapsedTime(start));
        return result;
    }

    private async Task<ProviderResult<UpstreamAnswer>> SendOnceAsync(
        HttpRequestMessage request, int limit, SendTerms terms, CancellationToken cancellationToken)
    {
        Prepare(request);
        var content = request.Content is null ? null : new SendOnceContent(request.Content, terms.MayStillSend ?? (() => true));
        request.Content = content;

        var sentAt = time.GetUtcNow();
        UpstreamAnswer? begun = null;
        using var body = new MemoryStream();
        using var deadline = new RunningDeadline(terms.Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        try
        {
            using var response = await _invoker.SendAsync(request, either.Token);
            begun = new UpstreamAnswer(response.StatusCode, response.Content.Headers.ContentType?.MediaType, [], RetryAfter(response), sentAt);
            return terms.StatusOnly || await ReadAsync(response.Content, body, limit, either.Token)
                ? new(begun with { Body = body.ToArray() }, null)
                : Failed(ProviderFailureKind.OutcomeUnknown, "the answer is too large", UpstreamObstacle.Broken);
        }
        catch (HttpRequestException e)
        {
            return Failed(NothingSent(e, content) ? ProviderFailureKind.NotSent : ProviderFailureKind.OutcomeUnknown, Describe(e), Obstacle(e));
        }
        catch (TooLateToSendException e)
        {
            return Failed(ProviderFailureKind.NotSent, e.Message, UpstreamObstacle.Timeout);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return content is { Begun: false }
                ? Failed(ProviderFailureKind.NotSent, "no complete answer in time", UpstreamObstacle.Timeout)
                : BrokenOff("no complete answer in time", UpstreamObstacle.Timeout, begun, body);
        }
        catch (Exception e) when (e is IOException or InvalidDataException)
        {
            return BrokenOff("the answer broke off", UpstreamObstacle.Broken, begun, body);
        }
    }

    /// <summary>
    /// These errors come before a request is written; a body whose sending has not begun proves it for every other error as well.
    /// </summary>
    private static bool NothingSent(HttpRequestException e, SendOnceContent? content)
    {
        var beforeSending = e.HttpRequestError is HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError
            or HttpRequestError.SecureConnectionError or HttpRequestError.ProxyTunnelError;
        return content is null ? beforeSending : !content.Begun;
    }

    private static string Describe(HttpRequestException e) =>
        Cause<EgressRefusedException>(e) is { } refused ? "refused: " + refused.Message : $"no answer ({e.HttpRequestError})";

    private static UpstreamObstacle Obstacle(HttpRequestException e) => e.HttpRequestError switch
    {
        _ when Cause<EgressRefusedException>(e) is not null => UpstreamObstacle.Egress,
        HttpRequestError.NameResolutionError => UpstreamObstacle.Dns,
        HttpRequestError.SecureConnectionError => UpstreamObstacle.Tls,
        HttpRequestError.ConnectionError => Cause<SocketException>(e)?.SocketErrorCode == SocketError.TimedOut ? UpstreamObstacle.Timeout : UpstreamObstacle.Refused,
        _ => UpstreamObstacle.Broken,
    };

    private static T? Cause<T>(Exception e)
        where T : Exception
    {
        var cause = e;
        while (cause is not null and not T)
        {
            cause = cause.InnerException;
        }

        return (T?)cause;
    }

    private static void Prepare(HttpRequestMessage request)
    {
        request.Version = HttpVersion.Version11;
        request.VersionPolicy = HttpVersionPolicy.RequestVersionExact;
        request.Headers.ConnectionClose = true;
        request.Headers.ExpectContinue = false;
        request.Headers.UserAgent.Add(UserAgent);
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
    }

    /// <returns>False when there is more than the limit; the body has what came before that, or before an exception.</returns>
    private static async Task<bool> ReadAsync(HttpContent content, MemoryStream body, int limit, CancellationToken cancellationToken)
    {
        if (content.Headers.ContentLength > limit)
        {
            return false;
        }

        await using var stream = await content.ReadAsStreamAsync(cancellationToken);
        var buffer = new byte[8192];
        int read;
        while ((read = await stream.ReadAsync(buffer, cancellationToken)) > 0)
        {
            if (body.Length + read > limit)
            {
                return false;
            }

            body.Write(buffer, 0, read);
        }

        return true;
    }

    /// <summary>Seconds or a date (RFC 9110 §10.2.3), bounded: an absurd wait is not obeyed (F-13).</summary>
    private TimeSpan? RetryAfter(HttpResponseMessage response)
    {
        var header = response.Headers.RetryAfter;
        var wait = header?.Delta ?? (header?.Date - time.GetUtcNow());
        return wait is { } named ? TimeSpan.FromTicks(Math.Clamp(named.Ticks, 0, LongestRetryAfter.Ticks)) : null;
    }

    private static ProviderResult<UpstreamAnswer> BrokenOff(string detail, UpstreamObstacle obstacle, UpstreamAnswer? begun, MemoryStream body) =>
        new(null, new ProviderFailure(ProviderFailureKind.OutcomeUnknown, detail)
        {
            Obstacle = obstacle,
            BrokenOff = body.Length > 0 ? begun! with { Body = body.ToArray() } : null,
        });

    private static ProviderResult<UpstreamAnswer> Failed(ProviderFailureKind kind, string detail, UpstreamObstacle obstacle) =>
        new(null, new ProviderFailure(kind, detail) { Obstacle = obstacle });
}
