using System.CommandLine;
using System.Text.Json.Nodes;
using TokenVault.Cli.Api;
using TokenVault.Cli.Commands;
using TokenVault.Cli.Profiles;

namespace TokenVault.Cli.Resources;

/// <summary>Where a secret that is shown once goes: into a file of mode 0600, never onto the screen (T-CL-01).</summary>
internal sealed class SecretOutput
{
    private readonly Invocation _run;
    private readonly string? _path;

    private SecretOutput(Invocation run, string? path) => (_run, _path) = (run, path);

    public static Option<string?> File { get; } = new("--secret-file") { Description = "Where the client's secret goes, which is shown nowhere else: a new file, for you alone" };

    /// <summary>Before the request is sent, as its answer has the secret once.</summary>
    public static SecretOutput Of(Invocation run)
    {
        var path = run.Get(File);
        return path is null || !System.IO.File.Exists(path) ? new SecretOutput(run, path)
            : throw new ToolException(ExitCode.Usage, $"{path} is there already.", "Name a new file: --secret-file");
    }

    public void Keep(JsonNode made)
    {
        if (Answer.Text(made, "client_secret") is not { } secret)
        {
            return;
        }

        if (_path is null)
        {
            _run.Screen.Warning($"Its secret was not kept. For another one: tokenvault apps rotate-secret {Answer.Text(made, "client_id")} --secret-file FILE");
            return;
        }

        PrivateFile.Write(_path, secret + "\n");
        _run.Screen.Done($"Its secret is in {Path.GetFullPath(_path)}.");
    }
}
