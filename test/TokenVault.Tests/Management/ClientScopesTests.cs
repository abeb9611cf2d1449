using System.Text.Json.Nodes;
using TokenVault.Tests.Flows.Workers;

namespace TokenVault.Tests.Management;

/// <summary>What of a client takes a scope of its own.</summary>
public class ClientScopesTests
{
    public static TheoryData<string, string> Guarded { get; } = new()
    {
        { """{"client_secret":"0123456789abcdef0123456789abcdef"}""", "update:client_keys" },
        { new JsonObject { ["client_authentication_methods"] = new JsonObject { ["private_key_jwt"] = Key() } }.ToJsonString(), "update:client_credentials" },
        { new JsonObject { ["token_vault_privileged_access"] = Key() }.ToJsonString(), "update:client_token_vault_privileged_access" },
    };

    [Theory]
    [MemberData(nameof(Guarded))]
    public async Task T_MG_06_Who_may_change_clients_does_not_by_that_become_one_or_a_privileged_worker(string change, string scope)
    {
        var host = await ManagementHost.SharedAsync();
        var path = "/clients/" + (await host.CreateClientAsync())["client_id"];

        var refused = await host.SendAsync("PATCH", path, change, "Bearer " + host.Token(["update:clients"]));

        (refused.Status, refused.ErrorCode).ShouldBe((403, "insufficient_scope"), refused.Message);
        refused.Message.ShouldBe("Insufficient scope, expected any of: " + scope);
        (await host.SendAsync("PATCH", path, """{"name":"renamed"}""", "Bearer " + host.Token(["update:clients"]))).Status.ShouldBe(200);
        (await host.SendAsync("PATCH", path, change, "Bearer " + host.Token(["update:clients", scope]))).Status.ShouldBe(200);
    }

    [Fact]
    public async Task T_MG_06_A_new_client_has_keys_and_privileged_access_only_of_who_may_give_them()
    {
        var host = await ManagementHost.SharedAsync();
        var keys = new JsonObject { ["name"] = "x", ["client_authentication_methods"] = new JsonObject { ["private_key_jwt"] = Key() } }.ToJsonString();
        var worker = new JsonObject { ["name"] = "x", ["token_vault_privileged_access"] = Key() }.ToJsonString();
        var creator = "Bearer " + host.Token(["create:clients"]);

        (await host.SendAsync("POST", "/clients", keys, creator)).Message.ShouldBe("Insufficient scope, expected any of: create:client_credentials");
        (await host.SendAsync("POST", "/clients", worker, creator)).Message.ShouldBe("Insufficient scope, expected any of: update:client_token_vault_privileged_access");
        (await host.SendAsync("POST", "/clients", """{"name":"x","client_secret":"0123456789abcdef0123456789abcdef"}""", creator)).Status.ShouldBe(201);
        (await host.SendAsync("POST", "/clients", keys, "Bearer " + host.Token(["create:clients", "create:client_credentials"]))).Status.ShouldBe(201);
    }

    private static JsonObject Key() => new() { ["credentials"] = new JsonArray(WorkerKey.Create().Credential()) };
}
