using System.Text.Json.Nodes;
using TokenVault.Tests.Flows.Workers;

namespace TokenVault.Tests.Management;

/// <summary><c>token_vault_privileged_access</c>: what may be in it, and what becomes of what is left out.</summary>
public sealed class PrivilegedAccessTests
{
    [Theory]
    [InlineData("""{"credentials":[]}""", "Expected a credential")]
    [InlineData("""{"ip_allowlist":["10.0.0.1"]}""", "Missing required property: credentials")]
    [InlineData("""{"credentials":[{"id":"cred_x"}]}""", "The client has no such credential")]
    [InlineData("""{"credentials":[KEY],"ip_allowlist":["10.0.0.1","10.0.0.2","10.0.0.3","10.0.0.4","10.0.0.5","10.0.0.6","10.0.0.7","10.0.0.8","10.0.0.9","10.0.0.10","10.0.0.11"]}""", "maximum 10")]
    [InlineData("""{"credentials":[KEY],"ip_allowlist":["127.1"]}""", "Expected an address")]
    [InlineData("""{"credentials":[KEY],"ip_allowlist":["010.0.0.1"]}""", "Expected an address")]
    [InlineData("""{"credentials":[KEY],"ip_allowlist":["fe80::1%eth0"]}""", "Expected an address")]
    [InlineData("""{"credentials":[KEY],"ip_allowlist":["10.0.0.1/8"]}""", "Expected an address")]
    [InlineData("""{"credentials":[KEY],"ip_allowlist":["0.0.0.0/0"]}""", "no list")]
    [InlineData("""{"credentials":[KEY],"ip_allowlist":["::/0"]}""", "no list")]
    [InlineData("""{"credentials":[KEY],"grants":[{"connection":"a"},{"connection":"b"},{"connection":"c"},{"connection":"d"},{"connection":"e"},{"connection":"f"}]}""", "maximum 5")]
    [InlineData("""{"credentials":[KEY],"grants":[{"connection":"a"},{"connection":"a"}]}""", "A connection has one grant")]
    [InlineData("""{"credentials":[KEY],"grants":[{"connection":"a","scopes":["1","2","3","4","5","6","7","8","9","10","11"]},{"connection":"b","scopes":["1","2","3","4","5","6","7","8","9","10"]}]}""", "at most 20 scopes")]
    [InlineData("""{"credentials":[KEY],"grants":[{"scopes":["a"]}]}""", "Missing required property: connection")]
    [InlineData("""{"credentials":[KEY],"extra":1}""", "Additional properties not allowed: extra")]
    public async Task The_limits_of_privileged_access_hold_in_POST_and_PATCH(string access, string problem)
    {
        var host = await ManagementHost.SharedAsync();
        var json = access.Replace("KEY", WorkerKey.Create().Credential().ToJsonString(), StringComparison.Ordinal);
        var client = await host.CreateClientAsync();
        var created = await host.SendAsync("POST", "/clients", $$"""{"name":"x","token_vault_privileged_access":{{json}}}""");
        created.Status.ShouldBe(400);
        created.Message.ShouldNotBeNull().ShouldContain(problem);
        var patched = await host.SendAsync("PATCH", "/clients/" + client["client_id"], $$"""{"token_vault_privileged_access":{{json}}}""");
        patched.Message.ShouldNotBeNull().ShouldContain(problem);
    }

    [Fact]
    public async Task Three_credentials_are_one_too_many_for_one_purpose()
    {
        var host = await ManagementHost.SharedAsync();
        var three = new JsonArray([.. Enumerable.Range(0, 3).Select(_ => WorkerKey.Create().Credential())]);
        var reply = await host.SendAsync("POST", "/clients", new JsonObject { ["name"] = "x", ["token_vault_privileged_access"] = new JsonObject { ["credentials"] = three } }.ToJsonString());
        reply.Message.ShouldNotBeNull().ShouldContain("maximum 2");
    }

    [Theory]
    [InlineData("null", null)]
    [InlineData("[]", "[]")]
    [InlineData("""["192.0.2.0/24"]""", """["192.0.2.0/24"]""")]
    [InlineData("absent", """["203.0.113.7"]""")]
    public async Task T_PW_06_an_emptied_list_an_absent_one_and_a_removed_one_are_three_things(string sent, string? kept)
    {
        var host = await ManagementHost.SharedAsync();
        var client = await host.CreateAsync("/clients", new JsonObject
        {
            ["name"] = "x",
            ["token_vault_privileged_access"] = new JsonObject { ["credentials"] = new JsonArray(WorkerKey.Create().Credential()), ["ip_allowlist"] = new JsonArray("203.0.113.7") },
        }.ToJsonString());
        var member = sent == "absent" ? "" : $",\"ip_allowlist\":{sent}";
        var credentials = client["token_vault_privileged_access"]!["credentials"]!.ToJsonString();
        var reply = await host.SendAsync("PATCH", "/clients/" + client["client_id"], $$$"""{"token_vault_privileged_access":{"credentials":{{{credentials}}}{{{member}}}}}""");
        reply.Status.ShouldBe(200, reply.Message);
        (await host.AuditAsync()).Last(row => row.GetRawText().Contains("Update a client", StringComparison.Ordinal)).GetRawText().ShouldContain((string)client["client_id"]!);
        reply.Body!["token_vault_privileged_access"]!["ip_allowlist"]?.ToJsonString().ShouldBe(kept);
        if (kept is null)
        {
            reply.Body!["token_vault_privileged_access"]!["ip_allowlist"].ShouldBeNull();
        }
    }
}
