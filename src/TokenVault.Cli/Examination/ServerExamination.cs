using System.Globalization;
using System.Text.Json.Nodes;
using TokenVault.Cli.Api;

namespace TokenVault.Cli.Examination;

/// <summary>Looks at the server itself: its name, its certificate, its clock, its storage, its keys.</summary>
internal sealed class ServerExamination(VaultHttp http)
{
    private static readonly TimeSpan MostSkew = TimeSpan.FromSeconds(30);

    public async Task<IReadOnlyList<Finding>> RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            await Discovery.ReadAsync(http, cancellationToken);
        }
        catch (ToolException e)
        {
            return [new Finding(Verdict.Bad, "server", e.Message, e.Advice)];
        }

        var ready = await http.GetAsync("health/ready", cancellationToken);
        return
        [
            new Finding(Verdict.Good, "server", $"{http.Issuer} is there, calls itself that, and its certificate is trusted"),
            Clock(ready),
            ready.Succeeded
                ? new Finding(Verdict.Good, "storage", "answers, and the vault's keys can be unwrapped")
                : new Finding(Verdict.Bad, "storage", $"the server is not ready (status {ready.Status})", "Look at the server's own log: its database, its disk and its root key."),
            await KeysAsync(cancellationToken),
        ];
    }

    private static Finding Clock(Answer answer)
    {
        if (answer.Headers.Date is not { } date)
        {
            return new Finding(Verdict.Doubtful, "clock", "the server does not say what time it is");
        }

        var skew = (TimeProvider.System.GetUtcNow() - date).Duration();
        return skew <= MostSkew
            ? new Finding(Verdict.Good, "clock", "the server's and this machine's agree")
            : new Finding(
                Verdict.Bad, "clock", string.Create(CultureInfo.InvariantCulture, $"the server's and this machine's differ by {skew.TotalSeconds:F0} seconds"),
                "Synchronise both with NTP: assertions and tokens are judged by the clock.");
    }

    private async Task<Finding> KeysAsync(CancellationToken cancellationToken)
    {
        var keys = await http.GetAsync(".well-known/jwks.json", cancellationToken);
        var count = (keys.Json as JsonObject)?["keys"] is JsonArray items ? items.Count : 0;
        return count > 0
            ? new Finding(Verdict.Good, "keys", string.Create(CultureInfo.InvariantCulture, $"{count} signing {(count == 1 ? "key" : "keys")}"))
            : new Finding(Verdict.Bad, "keys", "the server publishes no signing key", "Nobody can verify its tokens: look at the server's own log.");
    }
}
