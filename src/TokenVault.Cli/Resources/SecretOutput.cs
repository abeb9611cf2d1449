using System.CommandLine;
using System.Text.Json.Nodes;
using TokenVault.Cli.Api;
using TokenVault.Cli.Commands;
using TokenVault.Cli.Profiles;
using TokenVault.Cli.Terminal;

namespace TokenVault.Cli.Resources;

/// <summary>Where a secret that is shown once goes: into a file of mode 0600, never onto the screen (T-CL-01).</summary>
internal sealed class SecretOutput : IDisposable
{
    private readonly Invocation _run;
    private readonly string? _path;
    private bool _kept;

    private SecretOutput(Invocation run, string? path) => (_run, _path) = (run, path);

    public static Option<string?> File { get; } = new("--secret-file") { Description = "Where the client's secret goes, which is shown nowhere else: a new file, for you alone" };

    /// <summary>Before the request is sent, as its answer has the secret once: the file is made, so that a place that cannot be written to costs no secret.</summary>
    public static SecretOutput Of(Invocation run)
    {
        if (run.Get(File) is not { } path)
        {
            return new SecretOutput(run, path: null);
        }

        if (System.IO.File.Exists(path))
        {
            throw new ToolException(ExitCode.Usage, $"{path} is there already.", "Name a new file: --secret-file");
        }

        PrivateFile.Write(path, "");
        return new SecretOutput(run, path);
    }

    /// <summary>There is none to keep: the empty file goes.</summary>
    public void Dispose()
    {
        if (_path is not null && !_kept)
        {
            System.IO.File.Delete(_path);
        }
    }

    public void Keep(JsonNode made)
    {
        if (Answer.Text(made, "client_secret") is not { } secret)
        {
            return;
        }

        if (_path is null)
        {
            _run.Screen.Warning($"Its secret was not kept. For another one: tokenvault apps rotate-secret {ShellText.Of(Answer.Text(made, "client_id"))} --secret-file FILE");
            return;
        }

        PrivateFile.Write(_path, secret + "\n");
        _kept = true;
        _run.Screen.Done($"Its secret is in {Path.GetFullPath(_path)}.");
    }
}
