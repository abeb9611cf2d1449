using System.CommandLine;
using System.Text.Json.Nodes;
using TokenVault.Cli.Api;
using TokenVault.Cli.Terminal;

namespace TokenVault.Cli.Commands;

/// <summary><c>tokenvault logs tail</c>: what happens at the server, as it happens.</summary>
internal static class LogsCommand
{
    private const int PageSize = 100;
    private static readonly string[] Shown = ["date", "type", "description", "client_name", "user_id", "connection", "ip"];
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    private static readonly Option<int> Last = new("--last") { Description = "How many entries to begin with", DefaultValueFactory = _ => 10 };
    private static readonly Option<bool> Once = new("--once") { Description = "End after those" };
    private static readonly Option<string?> Filter = new("--filter") { Description = "Of those to begin with, the ones that a search finds, as in type:f* or user_id:\"auth0|…\"; then end" };

    public static Command Create() => new("logs", "The server's log.")
    {
        new Command(
            "tail",
            """
            Show the last entries, and then each new one, until it is interrupted, or nobody reads it any more.

            Examples:
              tokenvault logs tail
              tokenvault logs tail --json | jq .type
              tokenvault logs tail --filter type:fecte --last 50
            """)
        {
            Last, Once, Filter,
        }.Runs(TailAsync),
    };

    private static async Task<int> TailAsync(Invocation run, CancellationToken cancellationToken)
    {
        using var api = await run.OpenAsync(cancellationToken);
        var query = $"logs?sort=date:-1&page=0&per_page={Math.Clamp(run.Get(Last), 1, PageSize)}";
        var filter = run.Get(Filter);
        var entries = await ReadAsync(api, filter is null ? query : $"{query}&q={Uri.EscapeDataString(filter)}", cancellationToken);
        entries.Reverse();
        Show(run, entries);
        if (run.Get(Once) || filter is not null)
        {
            return ExitCode.Done;
        }

        try
        {
            await FollowAsync(run, api, query, entries, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Whoever follows a log has seen enough at some time.
        }

        return ExitCode.Done;
    }

    private static async Task FollowAsync(Invocation run, ManagementApi api, string first, List<JsonObject> entries, CancellationToken cancellationToken)
    {
        var last = entries.Count == 0 ? null : Answer.Text(entries[^1], "log_id");
        while (true)
        {
            var next = await ReadAsync(api, last is null ? first : $"logs?from={Uri.EscapeDataString(last)}&take={PageSize}", cancellationToken);
            Show(run, next);
            last = next.Count == 0 ? last : Answer.Text(next[^1], "log_id");
            if (next.Count == 0)
            {
                await Task.Delay(Pause, TimeProvider.System, cancellationToken);
            }
        }
    }

    private static async Task<List<JsonObject>> ReadAsync(ManagementApi api, string path, CancellationToken cancellationToken) =>
        await api.GetAsync(path, cancellationToken) is JsonArray entries ? [.. entries.OfType<JsonObject>()] : [];

    private static void Show(Invocation run, List<JsonObject> entries)
    {
        foreach (var entry in entries)
        {
            run.Screen.Raw(run.Json
                ? entry.ToJsonString()
                : string.Join("  ", Shown
                    .Select(member => PlainText.Of(Answer.Text(entry, member)))
                    .Where(text => text.Length > 0)));
        }
    }
}
