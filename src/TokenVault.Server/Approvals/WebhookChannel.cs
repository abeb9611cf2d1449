using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using TokenVault.Server.Connections;
using TokenVault.Server.Http;

namespace TokenVault.Server.Approvals;

/// <summary>Tells a service of the operator's, which reaches the user as it likes: signed as log streams are, through the egress guard (T-AU-07).</summary>
internal sealed class WebhookChannel(EgressGuard guard, TokenVaultOptions options, TimeProvider time) : IApprovalChannel, IDisposable
{
    private readonly UpstreamHttp _http = new(guard, time);

    public string Name => "webhook";

    public void Dispose() => _http.Dispose();

    public async Task<string?> SendAsync(ApprovalMessage message, CancellationToken cancellationToken)
    {
        if (!UpstreamUrl.TryParse(options.Approvals.Webhook.Url, out var url, out var problem))
        {
            return "the URL " + problem;
        }

        var body = Encoding.UTF8.GetBytes(message.ToJson().ToJsonString());
        var signed = string.Create(CultureInfo.InvariantCulture, $"t={time.GetUtcNow().ToUnixTimeSeconds()}");
        using var request = new HttpRequestMessage(HttpMethod.Post, url);
        request.Content = new ByteArrayContent(body);
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.Add(WebhookSignature.Header, WebhookSignature.Of(signed, options.Approvals.Webhook.Secret!, body));
        var result = await _http.SendAsync(request, UpstreamHttp.DefaultLimit, new SendTerms(_http.Deadline, StatusOnly: true), cancellationToken);
        if (result.Value is not { } answer)
        {
            return result.Failure!.Detail;
        }

        return (int)answer.Status is >= 200 and < 300 ? null : string.Create(CultureInfo.InvariantCulture, $"status {(int)answer.Status}");
    }
}
