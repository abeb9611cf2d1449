using System.CommandLine;
using System.Text.Json.Nodes;
using TokenVault.Cli.Api;
using TokenVault.Cli.Setup;
using TokenVault.Cli.Trial;

namespace TokenVault.Cli.Commands;

/// <summary><c>tokenvault setup</c>: everything that Token Vault needs for an application.</summary>
internal static class SetupCommand
{
    public static Command Create()
    {
        var command = new Command(
            "setup",
            """
            Set an application up for Token Vault: in a conversation, or by options alone.

            Examples:
              tokenvault setup
              tokenvault setup --flavor refresh_token_exchange --app-setup new --app-name "My app" --app-type regular \
                --callback-urls http://localhost:3000/auth/callback --connections github
              tokenvault setup --flavor privileged_worker --app-setup existing --app-id … --connections github --ip-allowlist 10.0.0.0/8 --plan
            """);
        foreach (var option in SetupOptions.All)
        {
            command.Options.Add(option);
        }

        return command.Runs(RunAsync);
    }

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        using var api = await run.OpenAsync(cancellationToken, run.Get(SetupOptions.Login));
        var nobody = new NoAnswers();
        var asks = run.Screen.MayAsk && !run.Json;
        var answers = await new AnswerReader(run, api, asks ? new Interview(run.Screen) : nobody).ReadAsync(cancellationToken);
        nobody.Check();

        var setup = new SetupRun(api, answers, run.Screen, quiet: run.Json);
        var plan = await setup.PlanAsync(cancellationToken);
        foreach (var warning in plan.Warnings)
        {
            run.Screen.Warning(warning);
        }

        if (!run.Json)
        {
            PlanView.Show(run.Screen, plan, api.Issuer);
        }

        if (run.Get(SetupOptions.Plan))
        {
            if (run.Json)
            {
                run.Screen.Json(new JsonObject { ["changes"] = plan.ToJson() });
            }

            return plan.Changes.Count == 0 ? ExitCode.Done : ExitCode.ChangesPending;
        }

        if (!MayGoOn(run, plan, asks))
        {
            return ExitCode.Failed;
        }

        var outcome = await setup.ApplyAsync(plan, cancellationToken);
        if (run.Json)
        {
            run.Screen.Json(outcome.ToJson(plan));
            return ExitCode.Done;
        }

        new Instructions(outcome, answers).Show(run.Screen);
        await TryAsync(run, api, outcome, answers, asks, cancellationToken);
        return ExitCode.Done;
    }

    private static async Task TryAsync(Invocation run, ManagementApi api, SetupOutcome outcome, SetupAnswers answers, bool asks, CancellationToken cancellationToken)
    {
        var obstacle = FirstExchange.Obstacle(outcome, answers);
        if (!run.Get(SetupOptions.Try) && (obstacle is not null || !asks || !run.Screen.Confirm("Try it: sign in, connect an account and exchange?", offered: false)))
        {
            return;
        }

        if (obstacle is not null)
        {
            throw new ToolException(ExitCode.Usage, "It cannot be tried. " + obstacle);
        }

        await new FirstExchange(api, outcome, answers, run.Screen, opensBrowser: !run.Get(SetupOptions.NoBrowser)).RunAsync(cancellationToken);
    }

    private static bool MayGoOn(Invocation run, SetupPlan plan, bool asks)
    {
        var weakens = plan.Weakening.Select(change => change.Weakens!).ToList();
        if (weakens.Count > 0 && !run.Get(SetupOptions.AllowWeakening))
        {
            if (!asks || run.Get(SetupOptions.Yes))
            {
                throw new ToolException(ExitCode.WouldWeaken, "This would lower a protection:", "Nothing was changed. If you want it so: --allow-weakening") { Details = weakens };
            }

            if (!run.Screen.Confirm("Lower these protections?", offered: false))
            {
                run.Screen.Line("Nothing was changed.");
                return false;
            }
        }

        if (plan.Changes.Count == 0 || !asks || run.Get(SetupOptions.Yes) || run.Screen.Confirm("Make these changes?", offered: true))
        {
            return true;
        }

        run.Screen.Line("Nothing was changed.");
        return false;
    }
}
