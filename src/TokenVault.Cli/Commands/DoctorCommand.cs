using System.CommandLine;
using System.Text.Json.Nodes;
using TokenVault.Cli.Api;
using TokenVault.Cli.Examination;
using TokenVault.Cli.Terminal;

namespace TokenVault.Cli.Commands;

/// <summary><c>tokenvault doctor</c>: whether everything is as it should be, and what to do about what is not.</summary>
internal static class DoctorCommand
{
    public static Command Create() => new Command(
        "doctor",
        """
        Look at the server and what is set up there: name, certificate, clock, storage, keys, login, applications, connections and their providers.

        Examples:
          tokenvault doctor
          tokenvault doctor --json
        """).Runs(RunAsync);

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        using var http = run.ConnectToServer();
        var findings = await run.Screen.WorkingAsync($"Looking at {http.Issuer}", step => LookAsync(run, http, step, cancellationToken));
        Show(run, findings);
        return findings.Any(finding => finding.Verdict == Verdict.Bad) ? ExitCode.Failed : ExitCode.Done;
    }

    private static async Task<List<Finding>> LookAsync(Invocation run, VaultHttp http, Action<string> step, CancellationToken cancellationToken)
    {
        step($"Looking at {http.Issuer}");
        var findings = new List<Finding>(await new ServerExamination(http).RunAsync(cancellationToken));
        if (findings.All(finding => finding.Subject != "server" || finding.Verdict == Verdict.Good))
        {
            findings.AddRange(await ConfigurationAsync(run, step, cancellationToken));
        }

        return findings;
    }

    private static async Task<IReadOnlyList<Finding>> ConfigurationAsync(Invocation run, Action<string> step, CancellationToken cancellationToken)
    {
        try
        {
            using var api = await run.OpenAsync(cancellationToken);
            return await new ConfigurationExamination(api, step).RunAsync(cancellationToken);
        }
        catch (ToolException e)
        {
            return [new Finding(Verdict.Bad, e.ExitCode == ExitCode.NotAllowed ? "login" : "configuration", e.Message, e.Advice)];
        }
    }

    private static void Show(Invocation run, List<Finding> findings)
    {
        if (run.Json)
        {
            run.Screen.Json(new JsonArray([.. findings.Select(finding => finding.ToJson())]));
            return;
        }

        foreach (var finding in findings)
        {
            var sign = finding.Verdict switch { Verdict.Good => "✓", Verdict.Doubtful => "?", _ => "✗" };
            run.Screen.Line($"{sign} {PlainText.Of(finding.Subject)}: {PlainText.Of(finding.Text)}");
            if (finding.Advice is not null)
            {
                run.Screen.Line("    " + PlainText.Of(finding.Advice));
            }
        }
    }
}
