using System.Text.Json.Nodes;

namespace TokenVault.Tests.Flows.Actions;

/// <summary>How an operator sets actions up.</summary>
public sealed class ActionManagementTests(ActionScene scene) : IClassFixture<ActionScene>
{
    private const string Good = """{"name":"Name","supported_triggers":[{"id":"post-login","version":"v3"}],"endpoint":{"url":"https://actions.example/"}}""";

    [Fact]
    public async Task An_action_is_made_shown_changed_found_and_removed()
    {
        var admin = await scene.AdminAsync();
        var made = await admin.CreateAsync("actions/actions", JsonNode.Parse(Good)!);
        var (id, path) = ((string)made["id"]!, "actions/actions/" + (string)made["id"]!);
        ((string)made["signing_secret"]!).ShouldStartWith("whsec_");
        made["endpoint"]!.ToJsonString().ShouldBe("""{"url":"https://actions.example/","timeout_ms":3000,"failure":"closed"}""");
        made["supported_triggers"]!.ToJsonString().ShouldBe("""[{"id":"post-login","version":"v3"}]""");
        (await admin.PostAsync("actions/actions", JsonNode.Parse(Good)!)).Status.ShouldBe(409);

        var changed = await admin.PatchAsync(path, JsonNode.Parse("""{"name":"Other","endpoint":{"failure":"open","timeout_ms":100}}""")!);
        changed.Json["endpoint"]!.ToJsonString().ShouldBe("""{"url":"https://actions.example/","timeout_ms":100,"failure":"open"}""");
        (await admin.GetAsync("actions/actions?actionName=Other")).Json["actions"]!.AsArray().ShouldHaveSingleItem()!["id"]!.GetValue<string>().ShouldBe(id);
        (await admin.GetAsync("actions/actions?actionName=Other&triggerId=token-exchange")).Json["total"]!.GetValue<int>().ShouldBe(0);
        (await admin.PatchAsync(path, JsonNode.Parse("""{"supported_triggers":[{"id":"token-exchange"}]}""")!)).Status.ShouldBe(400);
        (await admin.DeleteAsync(path)).Status.ShouldBe(204);
        (await admin.GetAsync(path)).Status.ShouldBe(404);
        (await scene.AuditAsync("sapi")).Select(row => (string?)row["description"]).ShouldContain("Create an action");
    }

    [Theory]
    [InlineData("""{"code":"exports.onExecutePostLogin = async () => {}"}""", "does not run the code")]
    [InlineData("""{"secrets":[]}""", "does not run the code")]
    [InlineData("""{"supported_triggers":[]}""", "one trigger")]
    [InlineData("""{"supported_triggers":[{"id":"pre-user-registration"}]}""", "Unknown trigger")]
    [InlineData("""{"supported_triggers":[{"id":"post-login","version":"v1"}]}""", "The version of this trigger is v3")]
    [InlineData("""{"supported_triggers":[{"id":"custom-token-exchange"}],"endpoint":{"url":"https://a.example/","failure":"open"}}""", "only \\u0022closed\\u0022")]
    [InlineData("""{"endpoint":{"url":"http://actions.example/"}}""", "must begin with https")]
    [InlineData("""{"endpoint":{"url":"https://user:pass@actions.example/"}}""", "user information")]
    [InlineData("""{"endpoint":{"url":"https://a.example/","timeout_ms":99}}""", "from 100 to 10000")]
    [InlineData("""{"endpoint":{"url":"https://a.example/","timeout_ms":10001}}""", "from 100 to 10000")]
    [InlineData("""{"endpoint":{"url":"https://a.example/","failure":"maybe"}}""", "No enum match")]
    [InlineData("""{"endpoint":{}}""", "Missing required property: url")]
    [InlineData("""{"endpoint":null}""", "Missing required property: endpoint")]
    [InlineData("""{"name":null}""", "string")]
    [InlineData("""{"runs":"always"}""", "Additional properties")]
    public async Task What_is_no_action_is_refused_with_the_reason(string change, string reason)
    {
        var body = JsonNode.Parse(Good)!.AsObject();
        foreach (var (member, value) in JsonNode.Parse(change)!.AsObject())
        {
            body[member] = value?.DeepClone();
        }

        var refused = await (await scene.AdminAsync()).PostAsync("actions/actions", body);
        refused.Status.ShouldBe(400, refused.Text);
        refused.Text.ShouldContain(reason);
    }

    [Fact]
    public async Task Bindings_are_ordered_by_whoever_sets_them_and_what_is_bound_stays()
    {
        var (first, second) = (await scene.ActionAsync(ActionScene.PostLogin, ActionScene.Always()), await scene.ActionAsync(ActionScene.PostLogin, ActionScene.Always()));
        var other = await scene.ActionAsync(ActionScene.TokenExchange, ActionScene.Always());
        var admin = await scene.AdminAsync();
        const string path = "actions/triggers/post-login/bindings";
        var byName = new JsonObject
        {
            ["bindings"] = new JsonArray(
                new JsonObject { ["ref"] = new JsonObject { ["type"] = "action_name", ["value"] = second.Name }, ["display_name"] = "The second" },
                new JsonObject { ["ref"] = new JsonObject { ["type"] = "action_id", ["value"] = first.Id } }),
        };
        (await admin.PatchAsync(path, byName)).Status.ShouldBe(200);
        var bound = (await admin.GetAsync(path)).Json["bindings"]!.AsArray();
        bound.Select(binding => (string?)binding!["action"]!["id"]).ShouldBe([second.Id, first.Id]);
        bound.Select(binding => (string?)binding!["display_name"]).ShouldBe(["The second", first.Name]);

        (await admin.DeleteAsync("actions/actions/" + first.Id)).Status.ShouldBe(409);
        foreach (var wrong in (JsonObject[])[ActionScene.Bindings(["act_nothing"]), ActionScene.Bindings([first.Id, first.Id]), ActionScene.Bindings([other.Id]), []])
        {
            (await admin.PatchAsync(path, wrong)).Status.ShouldBe(400);
        }

        // Those that stay are the same, and nothing that was refused has changed anything.
        (await admin.PatchAsync(path, ActionScene.Bindings([first.Id]))).Json["bindings"]![0]!["id"]!.GetValue<string>().ShouldBe((string)bound[1]!["id"]!);
        (await admin.PatchAsync(path, ActionScene.Bindings([]))).Status.ShouldBe(200);
        (await admin.DeleteAsync("actions/actions/" + first.Id)).Status.ShouldBe(204);
        (await admin.GetAsync("actions/triggers/custom-token-exchange/bindings")).Status.ShouldBe(403);
        (await admin.GetAsync("actions/triggers/nothing/bindings")).Status.ShouldBe(404);
    }

    [Fact]
    public async Task Actions_and_bindings_survive_a_restart_with_their_secret()
    {
        var (action, _) = await scene.BoundAsync(ActionScene.PostLogin, ActionScene.Always("""{"type":"deny","reason":"Still here"}"""));
        await scene.Vault.RestartAsync();
        var visit = await (await scene.NewPersonAsync()).ComeAsync();
        visit["error_description"].ShouldBe("Still here");
        action.Asked.ShouldHaveSingleItem();
        await scene.BindAsync(ActionScene.PostLogin);
    }
}
