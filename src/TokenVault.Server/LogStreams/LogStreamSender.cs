using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using TokenVault.Server.Audit;
using TokenVault.Server.Connections;
using TokenVault.Server.Http;
using TokenVault.Server.Keys;

namespace TokenVault.Server.LogStreams;

/// <summary>
/// Makes one delivery, through the egress guard as every call that leaves the server (T-AU-07). Its signature covers the time, the end of the
/// audit chain at that time, and the body: a receiver that keeps the header is a witness of the chain.
/// </summary>
internal sealed class LogStreamSender(EgressGuard guard, KeyRing ring, AuditChain chain, TimeProvider time) : IDisposable
{
    private readonly UpstreamHttp _http = new(guard, time);

    public void Dispose() => _http.Dispose();

    /// <returns>Null when the receiver has accepted; else why not.</returns>
    /// <exception cref="OperationCanceledException">The server stops.</exception>
    public async Task<string?> SendAsync(LogStream stream, IReadOnlyList<JsonObject> entries, CancellationToken cancellationToken)
    {
        if (!UpstreamUrl.TryParse(stream.Endpoint, out var endpoint, out var problem))
        {
            return "the endpoint " + problem;
        }

        using var request = new HttpRequestMessage(HttpMethod.Post, endpoint);
        try
        {
            var body = Encoding.UTF8.GetBytes(Write(stream.ContentFormat, entries));
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue(stream.ContentType);
            request.Headers.Add(WebhookSignature.Header, Sign(stream, body));
            if (stream.SealedAuthorization is { } authorization)
            {
                request.Headers.TryAddWithoutValidation("Authorization", ring.OpenText(authorization, LogStream.AadOf("authorization", stream.Id)).Reveal());
            }
        }
        catch (BrokenSealException e)
        {
            return e.Message;
        }

        var result = await _http.SendAsync(request, UpstreamHttp.DefaultLimit, new SendTerms(_http.Deadline, StatusOnly: true), cancellationToken);
        if (result.Value is not { } answer)
        {
            return result.Failure!.Detail;
        }

        return (int)answer.Status is >= 200 and < 300 ? null : string.Create(CultureInfo.InvariantCulture, $"status {(int)answer.Status}");
    }

    private static string Write(string format, IReadOnlyList<JsonObject> entries)
    {
        var lines = entries.Select(entry => new JsonObject { ["log_id"] = entry["log_id"]!.DeepClone(), ["data"] = entry.DeepClone() }.ToJsonString());
        return format == "JSONARRAY" ? $"[{string.Join(',', lines)}]" : string.Concat(lines.Select(line => line + "\n"));
    }

    /// <summary><c>t=…,head=…,v1=…</c>: v1 is over everything before it, a dot, and the body.</summary>
    private string Sign(LogStream stream, byte[] body)
    {
        var head = chain.Head is { } end ? $",head={end}" : "";
        var signed = string.Create(CultureInfo.InvariantCulture, $"t={time.GetUtcNow().ToUnixTimeSeconds()}{head}");
        var secret = ring.OpenText(stream.SealedSecret, LogStream.AadOf("secret", stream.Id));
        return WebhookSignature.Of(signed, secret, body);
    }
}
