using System.CommandLine;
using TokenVault.Cli.Api;
using TokenVault.Cli.Profiles;

namespace TokenVault.Cli.Commands;

/// <summary><c>tokenvault logout</c>: forgets a login, and ends at the server what would renew it.</summary>
internal static class LogoutCommand
{
    public static Command Create() => new Command(
        "logout",
        """
        Forget the login of the current profile, or of the one that --profile names. One that renews itself is ended at the server, too.

        Examples:
          tokenvault logout
          tokenvault logout --profile auth.example.com
        """).Runs(RunAsync);

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        // Not while another run renews it, or what is revoked is not what is there.
        using var turn = await ProfileTurn.TakeAsync(run.Surroundings.ProfilesFile, cancellationToken);
        var file = run.Profiles;
        var name = run.Get(ServerOptions.Profile) ?? file.Current;
        if (name is null || !file.All.TryGetValue(name, out var profile))
        {
            throw new ToolException(ExitCode.Usage, name is null ? "Not logged in." : $"There is no profile {name}.");
        }

        if (profile.RefreshToken is null)
        {
            file.Remove(name);
            run.Screen.Done($"The profile {name} is gone. Its token ends by itself.");
            return ExitCode.Done;
        }

        var problem = await RevokeAsync(run, profile, cancellationToken);
        file.Remove(name);
        if (problem is null)
        {
            run.Screen.Done($"The profile {name} is gone, and the login is ended at the server. Its last token ends by itself.");
            return ExitCode.Done;
        }

        run.Screen.Warning($"The profile {name} is gone, but the server could not be told: {problem}");
        return ExitCode.Failed;
    }

    private static async Task<string?> RevokeAsync(Invocation run, Profile profile, CancellationToken cancellationToken)
    {
        try
        {
            using var http = run.Connect(profile.Issuer, run.AuthorityText() ?? profile.Authority);
            var answer = await new TokenRequests(http).RevokeAsync(profile.ClientId, profile.RefreshToken!, cancellationToken);
            return answer.Succeeded ? null : $"status {answer.Status} {answer["error"]}";
        }
        catch (ToolException e)
        {
            return e.Message;
        }
    }
}
