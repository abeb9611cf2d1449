using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using TokenVault.Server.Connections;
using TokenVault.Server.Http;
using TokenVault.Server.Keys;

namespace TokenVault.Server.Actions;

/// <summary>Asks one action, once: through the egress guard as every call that leaves the server, signed as log streams are (T-AU-07).</summary>
internal sealed class ActionCall(EgressGuard guard, KeyRing ring, TimeProvider time) : IDisposable
{
    public const string IdHeader = "Idempotency-Key";
    public const int AnswerLimit = 16 * 1024;

    private readonly UpstreamHttp _http = new(guard, time);

    public void Dispose() => _http.Dispose();

    /// <returns>Null when there is no answer that could be understood.</returns>
    /// <param name="id">Of the event; an endpoint that is asked twice sees it by this.</param>
    /// <exception cref="OperationCanceledException">The caller gave up.</exception>
    public async Task<(ActionVerdict? Verdict, string Problem)> AskAsync(
        RemoteAction action, string id, ActionEvent about, TimeSpan patience, CancellationToken cancellationToken)
    {
        if (!UpstreamUrl.TryParse(action.Url, out var url, out var problem))
        {
            return (null, "the URL " + problem);
        }

        var body = Encoding.UTF8.GetBytes(new JsonObject { ["id"] = id, ["trigger"] = action.Trigger, ["event"] = about.ToJson() }.ToJsonString());
        using var request = new HttpRequestMessage(HttpMethod.Post, url);
        try
        {
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            request.Headers.Add(IdHeader, id);
            request.Headers.Add(WebhookSignature.Header, Sign(action, body));
        }
        catch (BrokenSealException e)
        {
            return (null, e.Message);
        }

        var result = await _http.SendAsync(request, AnswerLimit, new SendTerms(patience), cancellationToken);
        if (result.Value is not { } answer)
        {
            return (null, result.Failure!.Detail);
        }

        if ((int)answer.Status != 200)
        {
            return (null, string.Create(CultureInfo.InvariantCulture, $"status {(int)answer.Status}"));
        }

        return answer.MediaType == "application/json"
            ? (ActionAnswer.Read(answer.Body, about.Commands, out problem), problem)
            : (null, "the answer is not application/json");
    }

    private string Sign(RemoteAction action, byte[] body)
    {
        var signed = string.Create(CultureInfo.InvariantCulture, $"t={time.GetUtcNow().ToUnixTimeSeconds()}");
        return WebhookSignature.Of(signed, ring.OpenText(action.SealedSecret, RemoteAction.AadOf(action.Id)), body);
    }
}
