using System.Text.Json.Nodes;
using TokenVault.Server.Protocol;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Flows.Workers;

/// <summary>A vault with privileged workers, and a user who has connected an account and is not there.</summary>
public class WorkerScene : VaultScene
{
    internal TestUser User { get; private set; } = null!;

    public override async Task InitializeAsync()
    {
        await base.InitializeAsync();
        User = await ConnectedUserAsync();
    }

    /// <param name="access">Members of <c>token_vault_privileged_access</c> besides the credentials.</param>
    internal async Task<Worker> NewWorkerAsync(JsonObject? access = null, string alg = "ES256", JsonObject? more = null)
    {
        var (authentication, subjects) = (WorkerKey.Create(alg), WorkerKey.Create(alg));
        var privileged = access?.DeepClone().AsObject() ?? [];
        privileged["credentials"] = new JsonArray(subjects.Credential());
        var body = new JsonObject
        {
            ["name"] = "Worker",
            ["app_type"] = "non_interactive",
            ["grant_types"] = new JsonArray(Wire.FederatedExchange, Wire.ClientCredentials),
            ["client_authentication_methods"] = new JsonObject { ["private_key_jwt"] = new JsonObject { ["credentials"] = new JsonArray(authentication.Credential()) } },
            ["token_vault_privileged_access"] = privileged,
        };
        foreach (var (member, value) in more ?? [])
        {
            body[member] = value?.DeepClone();
        }

        var client = await (await AdminAsync()).CreateAsync("clients", body);
        var worker = new Worker(this, (string)client["client_id"]!, authentication, subjects);
        await EnableAsync(Calendar, worker.ClientId);
        return worker;
    }

    internal async Task EnableAsync(string connection, string clientId)
    {
        var admin = await AdminAsync();
        var id = (string)(await admin.GetAsync("connections?name=" + connection)).Json[0]!["id"]!;
        var enabled = new JsonArray(new JsonObject { ["client_id"] = clientId, ["status"] = true });
        (await admin.PatchAsync($"connections/{id}/clients", enabled)).Status.ShouldBe(204);
    }

    internal async Task PatchAsync(Worker worker, JsonObject change)
    {
        var answer = await (await AdminAsync()).PatchAsync("clients/" + worker.ClientId, change);
        answer.Status.ShouldBe(200, answer.Text);
    }
}
