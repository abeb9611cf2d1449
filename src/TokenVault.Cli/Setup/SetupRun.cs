using System.Text.Json.Nodes;
using TokenVault.Cli.Api;
using TokenVault.Cli.Terminal;

namespace TokenVault.Cli.Setup;

/// <summary>One setup from the plan to the environment file.</summary>
internal sealed class SetupRun(ManagementApi api, SetupAnswers answers, Screen screen, bool quiet)
{
    private readonly EnvironmentFile _environment = new(answers.Folder);

    public async Task<SetupPlan> PlanAsync(CancellationToken cancellationToken)
    {
        var state = await ServerState.ReadAsync(api, answers, cancellationToken);
        if (_environment[EnvironmentFile.ClientId] is { } other && other != state.ApplicationId)
        {
            throw new ToolException(
                ExitCode.Usage, $"{_environment.Location} is of another application, {PlainText.Of(other)}.",
                "Say where this one's go: --out FOLDER");
        }

        return SetupPlan.Of(state, answers, answers.Flavor == Flavor.PrivilegedWorker ? WorkerKeys.Existing(answers.Folder) : null);
    }

    /// <summary>Carries the plan out, and looks again whether everything is as wanted.</summary>
    public async Task<SetupOutcome> ApplyAsync(SetupPlan plan, CancellationToken cancellationToken)
    {
        if (plan.Changes.Count > 0)
        {
            plan = await PreparedAsync(plan, cancellationToken);
        }

        await new PlanRunner(api, quiet ? null : screen, Keep).RunAsync(plan, cancellationToken);
        var after = answers with { RotateSecret = false };
        var state = await ServerState.ReadAsync(api, after, cancellationToken);
        var keys = answers.Flavor == Flavor.PrivilegedWorker ? WorkerKeys.Existing(answers.Folder) : null;
        var left = SetupPlan.Of(state, after, keys).Changes;
        if (left.Count > 0)
        {
            throw new ToolException(
                ExitCode.Failed, "The server took the changes, but does not show all of them:", "Somebody else may be changing the same things. Run it again.")
            {
                Details = [.. left.Select(change => change.Title)],
            };
        }

        Fill(state, keys);
        return new SetupOutcome(state, _environment, keys, api.Http.Authority);
    }

    /// <summary>The plan with what is made here, and as it was shown: somebody may have thought about it for long.</summary>
    private async Task<SetupPlan> PreparedAsync(SetupPlan shown, CancellationToken cancellationToken)
    {
        if (answers.Flavor == Flavor.PrivilegedWorker)
        {
            WorkerKeys.Make(answers.Folder);
        }

        var plan = await PlanAsync(cancellationToken);
        if (!plan.IsAs(shown))
        {
            throw new ToolException(ExitCode.Failed, $"Somebody has changed what is set up at {api.Issuer} since this was shown.", "Nothing was changed. Run it again.");
        }

        // Where secrets go is known to be writable before there are any.
        _environment[EnvironmentFile.Issuer] = api.Issuer;
        _environment.Save();
        return plan;
    }

    /// <summary>A secret is shown once: it is on the disk before anything else happens.</summary>
    private void Keep(string reference, JsonNode client)
    {
        var (id, secret) = reference == Change.Application
            ? (EnvironmentFile.ClientId, EnvironmentFile.ClientSecret)
            : (EnvironmentFile.ApiClientId, EnvironmentFile.ApiClientSecret);
        var byKey = reference == Change.Application && answers.Flavor == Flavor.PrivilegedWorker && answers.Worker.AuthenticatesByKey;
        _environment.SetClient(id, secret, Answer.Text(client, "client_id")!, byKey ? null : Answer.Text(client, "client_secret"));
        _environment.Save();
    }

    private void Fill(ServerState state, WorkerKeys? keys)
    {
        _environment[EnvironmentFile.Issuer] = state.Issuer;
        _environment[EnvironmentFile.Domain] = new Uri(state.Issuer).Authority;
        if (api.Http.Authority is { } authority)
        {
            var path = Path.GetFullPath(Path.Combine(answers.Folder, "ca.pem"));
            Profiles.PrivateFile.Write(path, authority);
            _environment[EnvironmentFile.Authority] = path;
        }

        _environment.SetClient(EnvironmentFile.ClientId, EnvironmentFile.ClientSecret, state.ApplicationId!, secret: null);
        _environment[EnvironmentFile.Connection] = answers.AllConnections.FirstOrDefault() ?? "";
        if (answers.Api is { } own)
        {
            _environment[EnvironmentFile.Audience] = own.Identifier;
            _environment.SetClient(EnvironmentFile.ApiClientId, EnvironmentFile.ApiClientSecret, Answer.Text(state.ApiClient, "client_id")!, secret: null);
        }

        if (keys is not null)
        {
            _environment[EnvironmentFile.AuthenticationKey] = answers.Worker.AuthenticatesByKey ? Path.GetFullPath(keys.Authentication.Path) : "";
            _environment[EnvironmentFile.SubjectKey] = Path.GetFullPath(keys.Subject.Path);
        }

        _environment.Save();
    }
}
