using System.Diagnostics;
using TokenVault.Cli.Terminal;

namespace TokenVault.Cli.Api;

/// <summary>With <c>--debug</c>: each request and its answer, without secrets, on standard error.</summary>
internal sealed class WireLog(HttpMessageHandler inner, TextWriter writer) : DelegatingHandler(inner)
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var watch = Stopwatch.StartNew();
        await writer.WriteLineAsync($"> {request.Method} {Url(request)}{await BodyAsync(request.Content, cancellationToken)}");
        var response = await base.SendAsync(request, cancellationToken);
        if (response.Content.Headers.ContentLength is null or < 1_000_000)
        {
            await response.Content.LoadIntoBufferAsync(cancellationToken);
        }

        await writer.WriteLineAsync($"< {(int)response.StatusCode} in {watch.ElapsedMilliseconds} ms{await BodyAsync(response.Content, cancellationToken)}");
        return response;
    }

    private static string Url(HttpRequestMessage request) => PlainText.Of(Redactor.Query(request.RequestUri!.AbsoluteUri));

    private static async Task<string> BodyAsync(HttpContent? content, CancellationToken cancellationToken)
    {
        if (content is null)
        {
            return "";
        }

        var text = Redactor.Body(await content.ReadAsStringAsync(cancellationToken), content.Headers.ContentType?.MediaType);
        return text.Length == 0 ? "" : "\n    " + PlainText.Of(text);
    }
}
