using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;
using TokenVault.Server.Demo;
using TokenVault.Tests.Conventions;

namespace TokenVault.Client.Tests.Samples;

/// <summary>One <c>tokenvault-server demo --keep</c> for all samples, which are started in a shell that has read its file, as their READMEs say.</summary>
public sealed partial class DemoScene : IAsyncLifetime
{
    private readonly string _directory = Directory.CreateTempSubdirectory("tokenvault-samples-").FullName;
    private RunningProgram _server = null!;
    private Dictionary<string, string> _variables = null!;

    internal static string Server { get; } = Path.Combine(AppContext.BaseDirectory, "tokenvault-server");

    internal string this[string variable] => _variables[variable];

    public async Task InitializeAsync()
    {
        _server = RunningProgram.Start(Server, ["demo", "--keep", _directory]);
        await _server.SeeAsync("samples/AgentChat");
        _variables = Variables(_directory);
    }

    public async Task DisposeAsync()
    {
        await _server.StopAsync();
        await _server.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    internal static Dictionary<string, string> Variables(string directory) =>
        Export().Matches(File.ReadAllText(Path.Combine(directory, "env"))).ToDictionary(match => match.Groups[1].Value, match => match.Groups[2].Value);

    /// <param name="name">The sample's folder.</param>
    /// <param name="more">Variables beside the demo's.</param>
    internal RunningProgram Start(string name, params (string Name, string Value)[] more) => StartProgram(ProgramOf(name, name), more);

    internal static string ProgramOf(string folder, string program)
    {
        // As this test was built: bin/{configuration}/{framework}.
        var output = Path.GetRelativePath(Path.Combine(SourceTree.Root, "test", "TokenVault.Client.Tests"), AppContext.BaseDirectory);
        return Path.Combine(SourceTree.Root, "samples", folder, output, program);
    }

    internal RunningProgram StartProgram(string program, params (string Name, string Value)[] more)
    {
        var environment = more.ToDictionary(pair => pair.Name, pair => pair.Value);
        return RunningProgram.Start("sh", ["-c", ". \"$0\" && exec \"$1\"", Path.Combine(_directory, "env"), program], environment);
    }

    internal Browser NewBrowser()
    {
        return new Browser(X509CertificateLoader.LoadCertificateFromFile(this["TOKENVAULT_CA_FILE"]));
    }

    /// <summary>Goes there, and signs in where that is asked for.</summary>
    internal async Task<Visit> GoAsync(Browser browser, string user, string url)
    {
        var page = await browser.GoAsync(url);
        return page.Html.Contains("name=\"password\"", StringComparison.Ordinal)
            ? await browser.SubmitAsync(page, new Dictionary<string, string> { ["username"] = user, ["password"] = this["DEMO_PASSWORD"] })
            : page;
    }

    [GeneratedRegex("^export ([A-Za-z_]+)='([^']*)'$", RegexOptions.Multiline)]
    private static partial Regex Export();
}
