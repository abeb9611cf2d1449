using TokenVault.Server.Protocol;

namespace TokenVault.Tests.Management;

public class ResourceServerTests
{
    [Fact]
    public async Task An_api_is_found_by_its_id_and_by_its_encoded_identifier()
    {
        var host = await ManagementHost.SharedAsync();
        var identifier = NewIdentifier();
        var api = await host.CreateAsync("/resource-servers", $$"""{"name":"Orders","identifier":"{{identifier}}","scopes":[{"value":"read:orders","description":"Read"}],"signing_alg":"ES256","allow_offline_access":true}""");
        ((string)api["id"]!).Length.ShouldBe(24);
        ((string?)api["signing_alg"]).ShouldBe("ES256");
        ((bool)api["is_system"]!).ShouldBeFalse();
        ((string?)(await host.SendAsync("GET", "/resource-servers/" + api["id"])).Body!["identifier"]).ShouldBe(identifier);
        ((string?)(await host.SendAsync("GET", "/resource-servers/" + Uri.EscapeDataString(identifier))).Body!["id"]).ShouldBe((string?)api["id"]);
        (await host.SendAsync("GET", "/resource-servers/" + Uri.EscapeDataString(Uri.EscapeDataString(identifier)))).ErrorCode.ShouldBe("inexistent_resource_server");
    }

    [Theory]
    [InlineData("identifier")]
    [InlineData("identifiers")]
    [InlineData("identifiers[]")]
    public async Task The_identifier_filter_is_exact_under_all_its_names(string parameter)
    {
        var host = await ManagementHost.SharedAsync();
        var identifier = NewIdentifier();
        await host.CreateAsync("/resource-servers", $$"""{"name":"A","identifier":"{{identifier}}"}""");
        await host.CreateAsync("/resource-servers", $$"""{"name":"B","identifier":"{{identifier}}/more"}""");
        var found = (await host.SendAsync("GET", $"/resource-servers?{parameter}={Uri.EscapeDataString(identifier)}")).Body!.AsArray();
        found.Count.ShouldBe(1);
        ((string?)found[0]!["identifier"]).ShouldBe(identifier);
        (await host.SendAsync("GET", $"/resource-servers?{parameter}={Uri.EscapeDataString(identifier.ToUpperInvariant())}")).Body!.AsArray().ShouldBeEmpty();
        (await host.SendAsync("GET", $"/resource-servers?{parameter}=")).Body!.AsArray().ShouldBeEmpty();
    }

    [Fact]
    public async Task Proof_of_possession_is_set_shown_and_taken_away()
    {
        var host = await ManagementHost.SharedAsync();
        var api = await host.CreateAsync("/resource-servers", $$$"""{"name":"A","identifier":"{{{NewIdentifier()}}}","proof_of_possession":{"mechanism":"dpop","required":true}}""");
        api["proof_of_possession"]!.ToJsonString().ShouldBe("""{"mechanism":"dpop","required":true,"required_for":"all_clients"}""");
        var path = "/resource-servers/" + api["id"];
        foreach (var wrong in (string[])["""{}""", """{"mechanism":"dpop"}""", """{"required":true}""", """{"mechanism":"x","required":true}""", """{"mechanism":"dpop","required":true,"required_for":"x"}""", """{"mechanism":"dpop","required":"yes"}"""])
        {
            (await host.SendAsync("PATCH", path, $$"""{"proof_of_possession":{{wrong}}}""")).Status.ShouldBe(400, wrong);
        }

        var changed = await host.SendAsync("PATCH", path, """{"proof_of_possession":{"mechanism":"mtls","required":true,"required_for":"public_clients"}}""");
        ((string?)changed.Body!["proof_of_possession"]!["required_for"]).ShouldBe("public_clients");
        (await host.SendAsync("PATCH", path, """{"name":"B"}""")).Body!["proof_of_possession"].ShouldNotBeNull();
        (await host.SendAsync("PATCH", path, """{"proof_of_possession":null}""")).Body!.AsObject().ContainsKey("proof_of_possession").ShouldBeFalse();
    }

    [Fact]
    public async Task The_same_identifier_twice_is_a_conflict()
    {
        var host = await ManagementHost.SharedAsync();
        var json = $$"""{"name":"A","identifier":"{{NewIdentifier()}}"}""";
        await host.CreateAsync("/resource-servers", json);
        var reply = await host.SendAsync("POST", "/resource-servers", json);
        (reply.Status, reply.ErrorCode).ShouldBe((409, "conflict"));
        reply.Message.ShouldNotBeNull().ShouldContain("already exists");
    }

    [Fact]
    public async Task The_servers_own_apis_are_there_and_stay()
    {
        var host = await ManagementHost.SharedAsync();
        foreach (var identifier in (string[])[host.MyAccount, host.Issuer + "api/v2/"])
        {
            var path = "/resource-servers/" + Uri.EscapeDataString(identifier);
            ((bool)(await host.SendAsync("GET", path)).Body!["is_system"]!).ShouldBeTrue();
            (await host.SendAsync("DELETE", path)).Status.ShouldBe(403);
            (await host.SendAsync("PATCH", path, """{"scopes":[{"value":"mine"}]}""")).Status.ShouldBe(400);
            (await host.SendAsync("PATCH", path, """{"token_lifetime":86401}""")).Status.ShouldBe(400);
            (await host.SendAsync("POST", "/resource-servers", $$"""{"name":"A","identifier":"{{identifier}}"}""")).Status.ShouldBe(409);

            // Scopes that are left out of a change stay.
            var before = (await host.SendAsync("GET", path)).Body!["scopes"]!.AsArray().Count;
            (await host.SendAsync("PATCH", path, """{"scopes":[]}""")).Body!["scopes"]!.AsArray().Count.ShouldBe(before);
        }
    }

    [Fact]
    public async Task Setting_the_users_policy_leaves_the_clients_policy_alone()
    {
        var host = await ManagementHost.SharedAsync();
        var reply = await host.SendAsync(
            "PATCH", "/resource-servers/" + Uri.EscapeDataString(host.MyAccount), """{"subject_type_authorization":{"user":{"policy":"require_client_grant"}}}""");
        reply.Status.ShouldBe(200);
        reply.Body!["subject_type_authorization"]!.ToJsonString().ShouldBe("""{"user":{"policy":"require_client_grant"},"client":{"policy":"deny_all"}}""");
    }

    [Theory]
    [InlineData("""{"name":"A"}""", "identifier")]
    [InlineData("""{"identifier":"https://api.example"}""", "name")]
    [InlineData("""{"name":"A","identifier":"a b"}""", "identifier")]
    [InlineData("""{"name":"A","identifier":"x","signing_alg":"HS256"}""", "signing_alg")]
    [InlineData("""{"name":"A","identifier":"x","is_system":true}""", "is_system")]
    [InlineData("""{"name":"A","identifier":"x","id":"1"}""", "id")]
    [InlineData("""{"name":"A","identifier":"x","scopes":[{"value":"a b"}]}""", "scopes[0].value")]
    [InlineData("""{"name":"A","identifier":"x","scopes":[{"value":"a"},{"value":"a"}]}""", "scopes")]
    [InlineData("""{"name":"A","identifier":"x","scopes":["a"]}""", "scopes[0]")]
    [InlineData("""{"name":"A","identifier":"x","token_lifetime":0}""", "token_lifetime")]
    [InlineData("""{"name":"A","identifier":"x","token_lifetime":60,"token_lifetime_for_web":61}""", "token_lifetime_for_web")]
    [InlineData("""{"name":"A","identifier":"x","token_dialect":"x"}""", "token_dialect")]
    [InlineData("""{"name":"A","identifier":"x","subject_type_authorization":{"client":{"policy":"allow_all"}}}""", "subject_type_authorization.client.policy")]
    public async Task A_bad_body_is_refused_by_name(string json, string property)
    {
        var host = await ManagementHost.SharedAsync();
        var reply = await host.SendAsync("POST", "/resource-servers", json);
        (reply.Status, reply.ErrorCode).ShouldBe((400, "invalid_body"));
        reply.Message.ShouldNotBeNull().ShouldContain(property);
    }

    [Fact]
    public async Task A_deleted_api_takes_its_grants_along()
    {
        var host = await ManagementHost.SharedAsync();
        var identifier = NewIdentifier();
        var json = $$"""{"name":"A","identifier":"{{identifier}}","scopes":[{"value":"a"}]}""";
        var api = await host.CreateAsync("/resource-servers", json);
        var client = await host.CreateClientAsync();
        await host.CreateAsync("/client-grants", $$"""{"client_id":"{{client["client_id"]}}","audience":"{{identifier}}","scope":["a"]}""");
        (await host.SendAsync("DELETE", "/resource-servers/" + api["id"])).Status.ShouldBe(204);
        await host.CreateAsync("/resource-servers", json);
        (await host.SendAsync("GET", "/client-grants?audience=" + Uri.EscapeDataString(identifier))).Body!.AsArray().ShouldBeEmpty();
    }

    private static string NewIdentifier() => $"https://{Identifier.Client().ToLowerInvariant()}.example";
}
