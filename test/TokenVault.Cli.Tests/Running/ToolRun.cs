using System.Text.Json.Nodes;

namespace TokenVault.Cli.Tests.Running;

/// <summary>What a run of the tool left.</summary>
internal sealed record ToolRun(int ExitCode, string Output, string Errors)
{
    public JsonNode Json => JsonNode.Parse(Output)!;

    public string All => Output + Errors;

    public ToolRun Succeeded()
    {
        ExitCode.ShouldBe(0, All);
        return this;
    }
}
