using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using TokenVault.Cli.Profiles;

namespace TokenVault.Cli.Commands;

/// <summary><c>tokenvault profiles</c>: logins at several servers.</summary>
internal static class ProfilesCommand
{
    private static readonly Argument<string> Name = new("name") { Description = "The profile" };

    public static Command Create() => new("profiles", "The servers that you are logged in at.")
    {
        new Command("list", "Show them; the current one is marked.\n\nExamples:\n  tokenvault profiles list\n  tokenvault profiles list --json").Runs((run, _) => Task.FromResult(List(run))),
        new Command("use", "Make one of them the current one.\n\nExamples:\n  tokenvault profiles use auth.example.com") { Name }.Runs(UseAsync),
    };

    private static int List(Invocation run)
    {
        var file = run.Profiles;
        if (run.Json)
        {
            run.Screen.Json(new JsonArray([.. file.All.Select(profile => new JsonObject
            {
                ["name"] = profile.Key,
                ["current"] = profile.Key == file.Current,
                ["issuer"] = profile.Value.Issuer,
                ["client_id"] = profile.Value.ClientId,
                ["own_accounts"] = profile.Value.OwnAccounts,
                ["renews"] = profile.Value.RefreshToken is not null,
                ["expires_at"] = profile.Value.ExpiresAt.ToString("O", CultureInfo.InvariantCulture),
            })]));
            return ExitCode.Done;
        }

        var now = TimeProvider.System.GetUtcNow();
        run.Screen.Table(["", "Profile", "Server", "Client", "Login"], file.All.Select(profile => (IReadOnlyList<string?>)
        [
            profile.Key == file.Current ? "*" : "",
            profile.Key,
            profile.Value.Issuer,
            profile.Value.ClientId,
            profile.Value.RefreshToken is not null ? "renews itself" : profile.Value.ExpiresAt <= now ? "expired" : "until " + profile.Value.ExpiresAt.ToLocalTime().ToString("g", CultureInfo.CurrentCulture),
        ]));
        return ExitCode.Done;
    }

    private static async Task<int> UseAsync(Invocation run, CancellationToken cancellationToken)
    {
        using var turn = await ProfileTurn.TakeAsync(run.Surroundings.ProfilesFile, cancellationToken);
        var file = run.Profiles;
        var name = run.Get(Name)!;
        if (!file.All.ContainsKey(name))
        {
            throw new ToolException(ExitCode.Usage, $"There is no profile {name}.", "tokenvault profiles list shows those there are.");
        }

        file.Use(name);
        run.Screen.Done($"The current profile is {name}.");
        return ExitCode.Done;
    }
}
