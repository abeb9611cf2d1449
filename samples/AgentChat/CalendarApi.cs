using System.Net.Http.Headers;
using System.Net.Http.Json;
using TokenVault.Client.Agents;

namespace AgentChat;

/// <summary>The provider's API, called with the token of the tool that is running. A 401 becomes an interrupt by itself.</summary>
internal sealed class CalendarApi(HttpClient http)
{
    public async Task<string> ListAsync(CancellationToken cancellationToken)
    {
        using var response = await SendAsync(HttpMethod.Get, content: null, cancellationToken);
        var day = await response.Content.ReadFromJsonAsync<CalendarDay>(cancellationToken);
        return string.Join(", ", day!.Events.Select(e => $"{e.Title} at {e.At}"));
    }

    public async Task<string> AddAsync(string title, string at, CancellationToken cancellationToken)
    {
        using var form = new FormUrlEncodedContent(new Dictionary<string, string> { ["title"] = title, ["at"] = at });
        using var response = await SendAsync(HttpMethod.Post, form, cancellationToken);
        return $"{title} at {at} is in the calendar";
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, HttpContent? content, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, http.BaseAddress) { Content = content };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", ToolToken.Current.AccessToken);
        var response = await http.SendAsync(request, cancellationToken);
        return response.EnsureSuccessStatusCode();
    }
}

internal sealed record CalendarDay(IReadOnlyList<CalendarEvent> Events);

internal sealed record CalendarEvent(string Title, string At);
