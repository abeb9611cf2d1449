using System.Net;
using System.Text.RegularExpressions;

namespace TokenVault.Server.Demo;

/// <summary>A person's browser without the person: keeps cookies, follows redirects, fills in the forms it meets.</summary>
internal sealed partial class Browser : IDisposable
{
    private const int MostSteps = 20;

    private readonly CookieContainer _cookies = new();
    private readonly HttpClient _http;

    /// <param name="trusted">The certificate authority of the server under test, besides the system's.</param>
    public Browser(System.Security.Cryptography.X509Certificates.X509Certificate2? trusted) =>
        _http = LoopbackHttp.Client(trusted, _cookies);

    public CookieContainer Cookies => _cookies;

    /// <summary>Goes to an address and on through redirects, until a page is shown or <paramref name="stopAt"/> is reached.</summary>
    /// <param name="stopAt">The application's own address: the browser reports it and does not call it.</param>
    public async Task<Visit> GoAsync(string url, string? stopAt = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        return await FollowAsync(request, stopAt);
    }

    /// <summary>Sends the one form of a page, its hidden inputs included.</summary>
    public async Task<Visit> SubmitAsync(Visit page, IReadOnlyDictionary<string, string> inputs, string? stopAt = null)
    {
        var fields = Inputs().Matches(page.Html)
            .Select(match => match.Value)
            .Where(tag => Attribute(tag, "type") == "hidden")
            .ToDictionary(tag => Attribute(tag, "name")!, tag => Attribute(tag, "value") ?? "", StringComparer.Ordinal);
        foreach (var (name, value) in inputs)
        {
            fields[name] = value;
        }

        var action = Attribute(Form().Match(page.Html).Value, "action") ?? page.Url;
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(new Uri(page.Url), action)) { Content = new FormUrlEncodedContent(fields) };
        return await FollowAsync(request, stopAt);
    }

    public void Dispose() => _http.Dispose();

    private async Task<Visit> FollowAsync(HttpRequestMessage first, string? stopAt)
    {
        var url = first.RequestUri!;
        var response = await _http.SendAsync(first);
        for (var step = 0; step < MostSteps; step++)
        {
            using (response)
            {
                if (response.Headers.Location is not { } location)
                {
                    return new Visit(url.AbsoluteUri, (int)response.StatusCode, await response.Content.ReadAsStringAsync());
                }

                url = new Uri(url, location);
            }

            if (stopAt is not null && url.AbsoluteUri.StartsWith(stopAt, StringComparison.Ordinal))
            {
                return new Visit(url.AbsoluteUri, 0, "");
            }

            response = await _http.GetAsync(url);
        }

        response.Dispose();
        throw new HttpRequestException($"More than {MostSteps} redirects, the last to {url.GetLeftPart(UriPartial.Path)}.");
    }

    private static string? Attribute(string tag, string name)
    {
        var match = Attributes().Matches(tag).FirstOrDefault(attribute => attribute.Groups[1].Value == name);
        return match is null ? null : WebUtility.HtmlDecode(match.Groups[2].Value);
    }

    [GeneratedRegex("<input [^>]*>", RegexOptions.NonBacktracking)]
    private static partial Regex Inputs();

    [GeneratedRegex("<form [^>]*>", RegexOptions.NonBacktracking)]
    private static partial Regex Form();

    [GeneratedRegex("([a-z]+)=\"([^\"]*)\"", RegexOptions.NonBacktracking)]
    private static partial Regex Attributes();
}

/// <summary>Where the browser is, and what it shows.</summary>
/// <param name="Status">0 when the browser stopped before calling the address.</param>
internal sealed record Visit(string Url, int Status, string Html)
{
    /// <summary>A parameter of the address's query.</summary>
    public string? this[string parameter] =>
        Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(new Uri(Url).Query).TryGetValue(parameter, out var value) ? value.ToString() : null;
}
