using System.Text.Json.Nodes;
using TokenVault.Tests.Conventions;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Flows.Workers;

public sealed class WorkerRecipeTests(WorkerScene scene) : IClassFixture<WorkerScene>
{
    [Fact]
    public async Task The_recipe_in_CSharp_makes_a_worker_and_is_given_a_token()
    {
        var admin = await scene.AdminAsync();
        var environment = new Dictionary<string, string>
        {
            ["ISSUER"] = scene.Vault.Issuer,
            ["MANAGEMENT_TOKEN"] = admin.Token,
            ["CONNECTION"] = VaultScene.Calendar,
            ["USER_ID"] = scene.User.Id,
            ["NOW"] = scene.Clock.GetUtcNow().ToString("O", null),
        };
        var answer = JsonNode.Parse(await WorkerRecipe.RunAsync(scene.Vault.Api.Http, name => environment[name]))!;
        ((string?)answer["access_token"]).ShouldNotBeNullOrEmpty(answer.ToJsonString());
    }

    [Fact]
    public async Task The_page_prints_what_was_tested()
    {
        var source = await File.ReadAllTextAsync(Path.Combine(SourceTree.Root, "test/TokenVault.Tests/Flows/Workers/WorkerRecipe.cs"));
        var page = await File.ReadAllTextAsync(Path.Combine(SourceTree.Root, "docs/privileged-worker.md"));
        var tested = source.Split("// recipe\n")[1].Split("        // end")[0].Split('\n').Select(line => line.StartsWith("        ", StringComparison.Ordinal) ? line[8..] : line);
        page.ShouldContain(string.Join('\n', tested).TrimEnd());
    }
}
