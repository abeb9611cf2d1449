using System.Net.Http.Headers;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;

namespace TokenVault.Server.Demo;

/// <summary>The server's HTTP interface as an application or a setup script calls it.</summary>
internal sealed class VaultApi(string issuer, X509Certificate2? trusted) : IDisposable
{
    private readonly HttpClient _http = LoopbackHttp.Client(trusted);

    public string Issuer { get; } = issuer;

    public X509Certificate2? Trusted { get; } = trusted;

    public HttpClient Http => _http;

    /// <summary>JSON in, JSON out.</summary>
    /// <param name="path">Relative to the issuer.</param>
    public async Task<Answer> SendAsync(HttpMethod method, string path, string? bearer = null, JsonNode? body = null)
    {
        using var request = new HttpRequestMessage(method, new Uri(new Uri(Issuer), path));
        if (body is not null)
        {
            request.Content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json");
        }

        return await SendAsync(request, bearer);
    }

    /// <summary>A form in, JSON out.</summary>
    public async Task<Answer> FormAsync(string path, IReadOnlyDictionary<string, string> form)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(new Uri(Issuer), path)) { Content = new FormUrlEncodedContent(form) };
        return await SendAsync(request, bearer: null);
    }

    public void Dispose() => _http.Dispose();

    private async Task<Answer> SendAsync(HttpRequestMessage request, string? bearer)
    {
        if (bearer is not null)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", bearer);
        }

        using var response = await _http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        return new Answer((int)response.StatusCode, text, response.Headers, response.Content.Headers);
    }
}

/// <summary>An HTTP answer, read.</summary>
internal sealed record Answer(int Status, string Text, HttpResponseHeaders Headers, HttpContentHeaders ContentHeaders)
{
    public JsonNode Json => JsonNode.Parse(Text) ?? throw new InvalidOperationException("The answer has no JSON.");

    /// <summary>A string member of the JSON object; null when it is absent.</summary>
    public string? this[string member] => Json[member] is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;
}
