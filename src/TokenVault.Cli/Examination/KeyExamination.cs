using System.Globalization;
using System.Text.Json.Nodes;
using TokenVault.Cli.Api;

namespace TokenVault.Cli.Examination;

/// <summary>Looks at what only administrators see of the server: its keys, and whether its log gets to where it should.</summary>
internal sealed class KeyExamination(ManagementApi api)
{
    /// <summary>Keys that sign for longer than this give whoever copies one a long time.</summary>
    private static readonly TimeSpan Old = TimeSpan.FromDays(400);

    public async Task<IReadOnlyList<Finding>> RunAsync(CancellationToken cancellationToken) =>
    [
        await LookAsync("signing keys", SigningAsync, cancellationToken),
        await LookAsync("vault keys", SealingAsync, cancellationToken),
        await LookAsync("log streams", StreamsAsync, cancellationToken),
    ];

    /// <summary>Without the scope, that part is left out, and it is said.</summary>
    private static async Task<Finding> LookAsync(string subject, Func<CancellationToken, Task<Finding>> look, CancellationToken cancellationToken)
    {
        try
        {
            return await look(cancellationToken);
        }
        catch (ToolException e) when (e.ExitCode == ExitCode.NotAllowed)
        {
            return new Finding(Verdict.Doubtful, subject, "not looked at. " + e.Message, e.Advice);
        }
        catch (ToolException e) when (e.ExitCode == ExitCode.Failed)
        {
            return new Finding(Verdict.Bad, subject, e.Message, "Look at the server's own log.");
        }
    }

    private async Task<Finding> SigningAsync(CancellationToken cancellationToken)
    {
        var keys = await api.FollowAsync("keys/signing", member: null, cancellationToken);
        var current = keys.Where(key => Is(key, "current")).ToList();
        if (current.Count == 0)
        {
            return new Finding(Verdict.Bad, "signing keys", "none is current", "tokenvault keys rotate");
        }

        var oldest = current.Min(key => Date(key, "current_since")) ?? TimeProvider.System.GetUtcNow();
        var text = string.Create(CultureInfo.InvariantCulture, $"the current ones sign since {oldest.UtcDateTime:yyyy-MM-dd}");
        return TimeProvider.System.GetUtcNow() - oldest <= Old
            ? new Finding(Verdict.Good, "signing keys", text)
            : new Finding(Verdict.Doubtful, "signing keys", text + ", which is long", "tokenvault keys rotate");
    }

    private async Task<Finding> SealingAsync(CancellationToken cancellationToken)
    {
        var keys = await api.ListAsync("keys/encryption", "keys", cancellationToken);
        var retiring = keys.Count(key => Answer.Text(key, "state") == "deactivated");
        if (keys.All(key => Answer.Text(key, "state") != "active"))
        {
            return new Finding(Verdict.Bad, "vault keys", "none is active", "Nothing can be sealed: look at the server's own log.");
        }

        return retiring == 0
            ? new Finding(Verdict.Good, "vault keys", "one seals, and no former one is in use")
            : new Finding(Verdict.Good, "vault keys", string.Create(CultureInfo.InvariantCulture, $"one seals; what {retiring} former ones sealed is being sealed anew"));
    }

    private async Task<Finding> StreamsAsync(CancellationToken cancellationToken)
    {
        var streams = (await api.GetAsync("log-streams", cancellationToken) as JsonArray ?? []).OfType<JsonObject>().ToList();
        var suspended = streams.Where(stream => Answer.Text(stream, "status") == "suspended").Select(stream => Answer.Text(stream, "name")).ToList();
        return suspended.Count == 0
            ? new Finding(Verdict.Good, "log streams", streams.Count == 0 ? "there are none" : "none is suspended")
            : new Finding(
                Verdict.Bad, "log streams", "suspended: " + string.Join(", ", suspended),
                "Where they go did not take what was sent. Put that right, and set the stream's status to active: it goes on where it stopped.");
    }

    private static bool Is(JsonObject item, string member) => item[member] is JsonValue value && value.TryGetValue<bool>(out var holds) && holds;

    private static DateTimeOffset? Date(JsonObject item, string member) =>
        DateTimeOffset.TryParse(Answer.Text(item, member), CultureInfo.InvariantCulture, out var date) ? date : null;
}
