using System.CommandLine;
using TokenVault.Cli.Profiles;

namespace TokenVault.Cli.Commands;

/// <summary><c>tokenvault logout</c>: forgets a login.</summary>
internal static class LogoutCommand
{
    public static Command Create() => new Command("logout", "Forget the login of the current profile, or of the one that --profile names.").Runs((run, _) =>
    {
        var file = ProfileFile.Open();
        var name = run.Get(ServerOptions.Profile) ?? file.Current;
        if (name is null || !file.All.ContainsKey(name))
        {
            throw new ToolException(ExitCode.Usage, name is null ? "Not logged in." : $"There is no profile {name}.");
        }

        file.Remove(name);
        run.Screen.Done($"The profile {name} is gone. Its token ends by itself.");
        return Task.FromResult(ExitCode.Done);
    });
}
