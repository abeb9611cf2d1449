namespace WebApp;

/// <summary>The provider's API. Its requests carry a token of the current user (<c>AddTokenVaultConnection</c>).</summary>
internal sealed class Calendar(HttpClient http)
{
    public async Task<IReadOnlyList<CalendarEvent>> ListAsync(CancellationToken cancellationToken) =>
        (await http.GetFromJsonAsync<CalendarDay>("", cancellationToken))!.Events;
}

internal sealed record CalendarDay(IReadOnlyList<CalendarEvent> Events);

internal sealed record CalendarEvent(string Title, string At);
