namespace TokenVault.Client.Tests.Samples;

/// <summary>The demo that stays up for the samples.</summary>
public sealed class KeptDemoTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("tokenvault-kept-").FullName;

    [Fact]
    public async Task A_kept_demo_tells_its_user_only_and_takes_everything_with_it()
    {
        var (files, scratch) = (Path.Combine(_directory, "demo"), Directory.CreateDirectory(Path.Combine(_directory, "scratch")).FullName);
        await using var demo = RunningProgram.Start(DemoScene.Server, ["demo", "--keep", files], new Dictionary<string, string> { ["TMPDIR"] = scratch });
        await demo.SeeAsync($". {files}/env && dotnet run --project samples/AgentChat");

        var variables = DemoScene.Variables(files);
        variables["TOKENVAULT_ISSUER"].ShouldStartWith("https://localhost:");
        foreach (var file in Directory.EnumerateFiles(files))
        {
            Mode(file).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite, file);
            demo.Output.ShouldNotContain((await File.ReadAllTextAsync(file)).Trim());
        }

        foreach (var secret in (string[])["TOKENVAULT_CLIENT_SECRET", "DEMO_PASSWORD", "AGENT_REFRESH_TOKEN", "MCP_CLIENT_SECRET", "MCP_ACCESS_TOKEN"])
        {
            demo.Output.ShouldNotContain(variables[secret]);
        }

        (await demo.StopAsync()).ShouldBe(0, demo.Output);
        Directory.EnumerateFileSystemEntries(files).ShouldBeEmpty();
        Directory.EnumerateDirectories(scratch, "tokenvault-*").ShouldBeEmpty();
    }

    [Fact]
    public async Task A_demo_that_cannot_be_kept_says_why()
    {
        var file = Path.Combine(_directory, "a-file");
        await File.WriteAllTextAsync(file, "");

        await using var wrong = RunningProgram.Start(DemoScene.Server, ["demo", "--kept"]);
        await wrong.SeeAsync("usage: tokenvault-server demo [--keep DIRECTORY]");
        (await wrong.EndAsync()).ShouldBe(2);

        await using var blocked = RunningProgram.Start(DemoScene.Server, ["demo", "--keep", file]);
        await blocked.SeeAsync("tokenvault-server: ");
        (await blocked.EndAsync()).ShouldBe(1);

        // Somebody's own files are not written over.
        await using var occupied = RunningProgram.Start(DemoScene.Server, ["demo", "--keep", _directory]);
        await occupied.SeeAsync($"{_directory} has other files in it");
        (await occupied.EndAsync()).ShouldBe(1);
        Directory.EnumerateFiles(_directory).ShouldHaveSingleItem().ShouldBe(file);
    }

    private static UnixFileMode Mode(string file) => OperatingSystem.IsWindows() ? throw new PlatformNotSupportedException() : File.GetUnixFileMode(file);

    public void Dispose() => Directory.Delete(_directory, recursive: true);
}
