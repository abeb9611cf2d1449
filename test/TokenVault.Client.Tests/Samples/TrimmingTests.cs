using System.Runtime.InteropServices;
using TokenVault.Tests.Conventions;

namespace TokenVault.Client.Tests.Samples;

/// <summary>A program that was published trimmed does what an untrimmed one does, and the trimmer has nothing to say about the client.</summary>
[Collection(DemoTests.Name)]
public sealed class TrimmingTests(DemoScene demo) : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("tokenvault-trimmed-").FullName;

    [Fact]
    public async Task A_trimmed_program_works_and_nothing_is_warned_of()
    {
        var project = Path.Combine(_directory, "trimmed.csproj");
        await File.WriteAllTextAsync(project, Project());
        File.Copy(Path.Combine(SourceTree.Root, "Directory.Packages.props"), Path.Combine(_directory, "Directory.Packages.props"));
        string[] arguments = ["publish", project, "-c", "Release", "-m:1", "-nologo", "-v", "q", "-p:UseSharedCompilation=false", "-o", Path.Combine(_directory, "out")];
        await using (var publish = RunningProgram.Start("dotnet", arguments))
        {
            (await publish.EndAsync()).ShouldBe(0, publish.Output);
            publish.Output.ShouldNotContain("warning");
        }

        await using var program = demo.StartProgram(Path.Combine(_directory, "out", "trimmed"));
        await program.SeeAsync("connections: " + demo["TOKENVAULT_CONNECTION"]);
        await program.SeeAsync("link: True");
        await program.SeeAsync("approved: False");
        await program.SeeAsync("""interrupt: {"name":"AUTH0_AI_INTERRUPT","code":"TOKEN_VAULT_ERROR","connection":"sandbox-calendar","scopes":["trimmed.scope"]""");
        (await program.EndAsync()).ShouldBe(0, program.Output);
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    /// <summary>Outside the tree, which a publication for one system would change; with the client as it was built.</summary>
    private static string Project() => $"""
        <Project Sdk="Microsoft.NET.Sdk">
          <PropertyGroup>
            <OutputType>Exe</OutputType>
            <TargetFramework>net10.0</TargetFramework>
            <Nullable>enable</Nullable>
            <ImplicitUsings>enable</ImplicitUsings>
            <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
            <InvariantGlobalization>true</InvariantGlobalization>
            <RuntimeIdentifier>{RuntimeInformation.RuntimeIdentifier}</RuntimeIdentifier>
            <PublishTrimmed>true</PublishTrimmed>
            <TrimmerSingleWarn>false</TrimmerSingleWarn>
            <JsonSerializerIsReflectionEnabledByDefault>false</JsonSerializerIsReflectionEnabledByDefault>
          </PropertyGroup>
          <ItemGroup>
            <KnownILLinkPack Update="Microsoft.NET.ILLink.Tasks" ILLinkPackVersion="10.0.12" />
            <PackageReference Include="Microsoft.Extensions.AI.Abstractions" />
            <PackageReference Include="Microsoft.Extensions.Http" />
            <Reference Include="{AppContext.BaseDirectory}TokenVault.Client.dll" />
            <Compile Include="{SourceTree.Root}/test/TokenVault.Client.Trimmed/*.cs" />
          </ItemGroup>
        </Project>
        """;
}
