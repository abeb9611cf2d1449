using System.Net.Http.Headers;
using System.Net.Http.Json;
using TokenVault.Client;

namespace AgentWorker;

/// <summary>The provider's API.</summary>
internal sealed class Calendar(HttpClient http)
{
    public async Task<IReadOnlyList<CalendarEvent>> ListAsync(ProviderToken token, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, http.BaseAddress);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token.AccessToken);
        using var response = await http.SendAsync(request, cancellationToken);
        response.EnsureSuccessStatusCode();
        return (await response.Content.ReadFromJsonAsync<CalendarDay>(cancellationToken))!.Events;
    }
}

internal sealed record CalendarDay(IReadOnlyList<CalendarEvent> Events);

internal sealed record CalendarEvent(string Title, string At);
