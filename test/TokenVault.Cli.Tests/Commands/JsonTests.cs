using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using TokenVault.Cli.Tests.Running;

namespace TokenVault.Cli.Tests.Commands;

/// <summary>What programs read has the members that docs/cli.md lists, and no others.</summary>
public sealed partial class JsonTests(VaultFixture fixture) : IClassFixture<VaultFixture>
{
    [Fact]
    public async Task What_is_printed_for_programs_is_as_documented()
    {
        using var scene = await SetupScene.CreateAsync(fixture);
        string[] arguments = scene.NewApplication("access_token_exchange", "--create-api-client", "--api-identifier", "https://json.example", "--json");

        Expect("setup --plan", (await scene.Desk.RunAsync([.. arguments, "--plan"])).Json);
        Expect("setup", (await scene.Desk.RunAsync(arguments)).Succeeded().Json, "setup --plan");
        Expect("profiles list", (await scene.Desk.RunAsync("profiles", "list", "--json")).Succeeded().Json);
        Expect("doctor", (await scene.Desk.RunAsync("doctor", "--json")).Json);
    }

    private static void Expect(string command, JsonNode json, string? alsoAsIn = null)
    {
        string[] documented = [.. Documented(command), .. alsoAsIn is null ? [] : Documented(alsoAsIn)];
        documented.ShouldNotBeEmpty();
        var items = json is JsonArray array ? array.ToList() : [json, .. json["changes"]!.AsArray(), .. json["connections"]?.AsArray() ?? []];
        items.SelectMany(item => item!.AsObject().Select(member => member.Key)).Distinct().ShouldBeSubsetOf(documented);
        Documented(command).First().ShouldBe(items[0]!.AsObject().First().Key);
    }

    private static string[] Documented(string command) =>
        [.. Word().Matches(Docs.Lines("cli.md").Single(line => line.StartsWith($"| `{command}` |", StringComparison.Ordinal)).Split('|')[2]).Select(word => word.Groups[1].Value)];

    [GeneratedRegex("`([a-z_]+)`", RegexOptions.NonBacktracking)]
    private static partial Regex Word();
}
