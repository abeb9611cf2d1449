using TokenVault.Server.Protocol;

namespace TokenVault.Tests.Management;

public class ClientGrantTests
{
    [Fact]
    public async Task A_grant_is_one_for_a_client_an_api_and_a_kind_of_subject()
    {
        var host = await ManagementHost.SharedAsync();
        var id = (string)(await host.CreateClientAsync())["client_id"]!;
        var user = Json(host, id, "user");
        var grant = await host.CreateAsync("/client-grants", user);
        ((string)grant["id"]!).ShouldStartWith("cgr_");
        ((string?)grant["subject_type"]).ShouldBe("user");
        await host.CreateAsync("/client-grants", Json(host, id, "client"));

        var reply = await host.SendAsync("POST", "/client-grants", user);
        (reply.Status, reply.ErrorCode).ShouldBe((409, "conflict"));
        reply.Message.ShouldNotBeNull().ShouldContain("already exists");

        (await host.SendAsync("DELETE", "/client-grants/" + grant["id"])).Status.ShouldBe(204);
        await host.CreateAsync("/client-grants", user);
    }

    [Fact]
    public async Task Grants_are_found_by_client_api_and_kind_of_subject()
    {
        var host = await ManagementHost.SharedAsync();
        var id = (string)(await host.CreateClientAsync())["client_id"]!;
        await host.CreateAsync("/client-grants", Json(host, id, "user"));
        await host.CreateAsync("/client-grants", Json(host, id, "client"));
        var audience = Uri.EscapeDataString(host.MyAccount);
        (await CountAsync($"?client_id={id}")).ShouldBe(2);
        (await CountAsync($"?client_id={id}&audience={audience}")).ShouldBe(2);
        (await CountAsync($"?client_id={id}&audience={audience}&subject_type=user")).ShouldBe(1);
        (await CountAsync($"?client_id={id}&default_for=third_party_clients")).ShouldBe(0);
        (await CountAsync($"?client_id={id}&audience=https%3A%2F%2Fother.example")).ShouldBe(0);
        (await CountAsync($"?client_id={id.ToLowerInvariant()}x")).ShouldBe(0);

        async Task<int> CountAsync(string query) => (await host.SendAsync("GET", "/client-grants" + query)).Body!.AsArray().Count;
    }

    [Fact]
    public async Task A_grant_names_scopes_of_its_api_only()
    {
        var host = await ManagementHost.SharedAsync();
        var id = (string)(await host.CreateClientAsync())["client_id"]!;
        var reply = await host.SendAsync("POST", "/client-grants", $$"""{"client_id":"{{id}}","audience":"{{host.MyAccount}}","scope":["read:clients"]}""");
        (reply.Status, reply.ErrorCode).ShouldBe((400, "invalid_body"));
        var grant = await host.CreateAsync("/client-grants", Json(host, id, "user"));
        (await host.SendAsync("PATCH", "/client-grants/" + grant["id"], """{"scope":["read:clients"]}""")).Status.ShouldBe(400);
        (await host.SendAsync("PATCH", "/client-grants/" + grant["id"], """{"scope":["Read:me"]}""")).Status.ShouldBe(400);
        var patched = await host.SendAsync("PATCH", "/client-grants/" + grant["id"], """{"scope":["read:me","create:me:connected_accounts"]}""");
        patched.Body!["scope"]!.ToJsonString().ShouldBe("""["read:me","create:me:connected_accounts"]""");
    }

    [Fact]
    public async Task A_grant_needs_a_client_and_an_api()
    {
        var host = await ManagementHost.SharedAsync();
        var id = (string)(await host.CreateClientAsync())["client_id"]!;
        (await host.SendAsync("POST", "/client-grants", Json(host, "nobody", "user"))).ErrorCode.ShouldBe("inexistent_client");
        (await host.SendAsync("POST", "/client-grants", $$"""{"client_id":"{{id}}","audience":"https://nothing.example","scope":[]}""")).ErrorCode.ShouldBe("inexistent_resource_server");
        (await host.SendAsync("PATCH", "/client-grants/cgr_nothing", """{"scope":[]}""")).ErrorCode.ShouldBe("inexistent_client_grant");
    }

    [Theory]
    [InlineData("audience", "\"https://other.example\"")]
    [InlineData("client_id", "\"other\"")]
    [InlineData("subject_type", "\"client\"")]
    [InlineData("allow_any_organization", "true")]
    public async Task What_a_grant_is_for_cannot_be_changed(string member, string value)
    {
        var host = await ManagementHost.SharedAsync();
        var id = (string)(await host.CreateClientAsync())["client_id"]!;
        var grant = await host.CreateAsync("/client-grants", Json(host, id, "user"));
        (await host.SendAsync("PATCH", "/client-grants/" + grant["id"], $$"""{"{{member}}":{{value}}}""")).ErrorCode.ShouldBe("invalid_body");
    }

    [Fact]
    public async Task Of_two_equal_grants_at_the_same_time_one_is_made()
    {
        var host = await ManagementHost.SharedAsync();
        var id = (string)(await host.CreateClientAsync())["client_id"]!;
        var replies = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => host.SendAsync("POST", "/client-grants", Json(host, id, "user"))));
        replies.Count(reply => reply.Status == 201).ShouldBe(1);
        replies.Count(reply => reply.Status == 409).ShouldBe(7);
    }

    private static string Json(ManagementHost host, string clientId, string subjectType) =>
        $$"""{"client_id":"{{clientId}}","audience":"{{host.MyAccount}}","scope":["{{Wire.CreateConnectedAccounts}}"],"subject_type":"{{subjectType}}"}""";
}
