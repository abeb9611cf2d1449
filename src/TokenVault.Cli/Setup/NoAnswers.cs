using TokenVault.Cli.Api;

namespace TokenVault.Cli.Setup;

/// <summary>Nobody is there: every question that no flag answers is noted, and all of them are said at once.</summary>
internal sealed class NoAnswers : IAnswers
{
    private readonly List<string> _missing = [];

    public Flavor Flavor() => Missing(SetupOptions.Flavor.Name, default(Flavor));

    public Task<string?> ApplicationAsync(ManagementApi api, CancellationToken cancellationToken) =>
        Task.FromResult<string?>(Missing($"{SetupOptions.ApplicationSetup.Name} (new with {SetupOptions.ApplicationName.Name}, or existing with {SetupOptions.ApplicationId.Name})", "?"));

    public string Text(string question, string option, string? offered = null) => offered ?? Missing(option, "?");

    public string Secret(string question, string option) => Missing(option, "?");

    public bool Confirm(string question, string option, bool offered) => offered;

    public string Choose(string question, string option, IReadOnlyList<(string Value, string Label)> choices) => Missing(option, choices[0].Value);

    public Task<IReadOnlyList<string>> ConnectionsAsync(ManagementApi api, CancellationToken cancellationToken) =>
        Task.FromResult(Missing<IReadOnlyList<string>>($"{SetupOptions.Connections.Name} (names, or none)", []));

    public string? NewConnection() => null;

    public void Tell(string text)
    {
        // Nobody is there to hear it.
    }

    /// <exception cref="ToolException">Something is missing.</exception>
    public void Check()
    {
        if (_missing.Count > 0)
        {
            throw new ToolException(ExitCode.Usage, "There is no terminal to ask on, and these options are missing:", "tokenvault setup --help explains them.") { Details = _missing };
        }
    }

    private T Missing<T>(string option, T instead)
    {
        _missing.Add(option);
        return instead;
    }
}
