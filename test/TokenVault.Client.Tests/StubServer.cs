using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.WebUtilities;

namespace TokenVault.Client.Tests;

/// <summary>A server that answers as the test says: what ours never would, or does not do yet. Discovery works.</summary>
internal sealed class StubServer : HttpMessageHandler
{
    public const string Issuer = "https://tenant.example/";

    private readonly ConcurrentQueue<Func<HttpResponseMessage>> _answers = new();

    /// <summary>The forms that were posted, the newest last.</summary>
    public ConcurrentQueue<Dictionary<string, string>> Forms { get; } = new();

    /// <summary>Called when a form has come, before it is answered.</summary>
    public Action Asked { get; set; } = () => { };

    public string Discovery { get; set; } =
        $$"""{"issuer":"{{Issuer}}","token_endpoint":"{{Issuer}}oauth/token","backchannel_authentication_endpoint":"{{Issuer}}bc-authorize"}""";

    public void Next(int status, string body, string contentType = "application/json", TimeSpan? retryAfter = null) => _answers.Enqueue(() =>
    {
        var response = new HttpResponseMessage((HttpStatusCode)status) { Content = new StringContent(body, Encoding.UTF8, contentType) };
        response.Headers.RetryAfter = retryAfter is { } wait ? new(wait) : null;
        return response;
    });

    public void NextThrows(Exception e) => _answers.Enqueue(() => throw e);

    public TokenVaultClient Client(TimeProvider? time = null, Action<TokenVaultOptions>? change = null)
    {
        var options = new TokenVaultOptions { Issuer = Issuer, ClientId = "client", ClientSecret = "secret-of-the-client" };
        change?.Invoke(options);
        var http = new HttpClient(this, disposeHandler: false) { Timeout = Timeout.InfiniteTimeSpan };
        return new TokenVaultClient(options, () => http, time);
    }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (request.Method == HttpMethod.Get)
        {
            return new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent(Discovery) };
        }

        var form = QueryHelpers.ParseQuery(await request.Content!.ReadAsStringAsync(cancellationToken));
        Forms.Enqueue(form.ToDictionary(pair => pair.Key, pair => pair.Value.ToString()));
        Asked();
        return _answers.TryDequeue(out var answer) ? answer() : throw new InvalidOperationException("No answer is left.");
    }
}
