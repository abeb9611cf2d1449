using System.Text.Json.Nodes;
using TokenVault.Server.Clients;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Tests.Management;

public class ClientTests
{
    [Fact]
    public async Task A_client_is_made_with_what_its_kind_needs_and_its_secret_is_shown_once()
    {
        var host = await ManagementHost.SharedAsync();
        var client = await host.CreateAsync("/clients", """{"name":"Shop","app_type":"regular_web","callbacks":["https://shop.example/cb"]}""");
        var id = (string)client["client_id"]!;
        id.Length.ShouldBe(32);
        ((string)client["client_secret"]!).Length.ShouldBe(64);
        client["grant_types"]!.ToJsonString().ShouldBe("""["authorization_code","refresh_token","client_credentials"]""");
        ((string?)client["token_endpoint_auth_method"]).ShouldBe("client_secret_post");
        ((bool)client["is_first_party"]!).ShouldBeTrue();

        var read = (await host.SendAsync("GET", "/clients/" + id)).Body!.AsObject();
        read.ContainsKey("client_secret").ShouldBeFalse();
        client.Remove("client_secret");
        JsonNode.DeepEquals(read, client).ShouldBeTrue();
    }

    [Theory]
    [InlineData("native", "none", "authorization_code,refresh_token")]
    [InlineData("spa", "none", "authorization_code,refresh_token")]
    [InlineData("non_interactive", "client_secret_post", "client_credentials")]
    [InlineData("resource_server", "client_secret_post", "")]
    public async Task Defaults_follow_the_kind_of_application(string type, string method, string grants)
    {
        var host = await ManagementHost.SharedAsync();
        var client = await host.CreateClientAsync(type);
        ((string?)client["token_endpoint_auth_method"]).ShouldBe(method);
        string.Join(',', client["grant_types"]!.AsArray().Select(grant => (string)grant!)).ShouldBe(grants);
    }

    [Fact]
    public async Task T_CA_02_only_a_keyed_hash_of_the_secret_is_stored()
    {
        var host = await ManagementHost.SharedAsync();
        var client = await host.CreateClientAsync();
        var secret = (string)client["client_secret"]!;
        var stored = (await host.Storage.FindAsync("client", (string)client["client_id"]!, default)).ShouldNotBeNull();
        System.Text.Encoding.UTF8.GetString(stored.Body).ShouldNotContain(secret);
        stored.ToRecord<Client>().SecretHash.ShouldBe(host.Ring.HashSecret(secret));
        foreach (var row in await host.AuditAsync())
        {
            row.GetRawText().ShouldNotContain(secret);
        }
    }

    [Fact]
    public async Task A_rotated_secret_replaces_the_old_one()
    {
        var host = await ManagementHost.SharedAsync();
        var client = await host.CreateClientAsync();
        var id = (string)client["client_id"]!;
        var reply = await host.SendAsync("POST", $"/clients/{id}/rotate-secret");
        reply.Status.ShouldBe(200);
        var secret = (string)reply.Body!["client_secret"]!;
        secret.ShouldNotBe((string)client["client_secret"]!);
        (await host.Storage.FindAsync<Client>(id, default))!.SecretHash.ShouldBe(host.Ring.HashSecret(secret));
        (await host.SendAsync("POST", "/clients/nobody/rotate-secret")).ErrorCode.ShouldBe("inexistent_client");
    }

    [Fact]
    public async Task A_secret_of_the_callers_own_has_32_characters_at_least()
    {
        var host = await ManagementHost.SharedAsync();
        var secret = new string('s', 32);
        var client = await host.CreateAsync("/clients", $$"""{"name":"own","client_secret":"{{secret}}"}""");
        ((string)client["client_secret"]!).ShouldBe(secret);
        (await host.SendAsync("POST", "/clients", $$"""{"name":"own","client_secret":"{{secret[1..]}}"}""")).ErrorCode.ShouldBe("invalid_body");
        var patched = await host.SendAsync("PATCH", "/clients/" + client["client_id"], $$"""{"client_secret":"{{secret}}2"}""");
        patched.Status.ShouldBe(200);
        patched.Body!.AsObject().ContainsKey("client_secret").ShouldBeFalse();
        (await host.Storage.FindAsync<Client>((string)client["client_id"]!, default))!.SecretHash.ShouldBe(host.Ring.HashSecret(secret + "2"));
    }

    [Fact]
    public async Task A_patch_changes_what_it_names_and_null_resets()
    {
        var host = await ManagementHost.SharedAsync();
        var client = await host.CreateAsync("/clients", """{"name":"a","description":"b","grant_types":["refresh_token"],"refresh_token":{"rotation_type":"rotating","leeway":30}}""");
        var id = (string)client["client_id"]!;

        var reply = await host.SendAsync("PATCH", "/clients/" + id, """{"description":null,"refresh_token":{"leeway":5},"grant_types":null}""");
        reply.Status.ShouldBe(200, reply.Body?.ToJsonString());
        var patched = reply.Body!.AsObject();
        patched.ContainsKey("description").ShouldBeFalse();
        ((string?)patched["name"]).ShouldBe("a");
        ((string?)patched["refresh_token"]!["rotation_type"]).ShouldBe("non-rotating");
        ((int)patched["refresh_token"]!["leeway"]!).ShouldBe(5);
        patched["grant_types"]!.AsArray().Count.ShouldBe(3);
    }

    [Fact]
    public async Task What_a_read_shows_of_settings_can_be_sent_back()
    {
        var host = await ManagementHost.SharedAsync();
        var client = await host.CreateAsync("/clients", """{"name":"echo","client_metadata":{"a":"b"},"web_origins":["https://a.example"],"refresh_token":{"policies":[{"audience":"https://api.example","scope":["x"]}]}}""");
        var before = (await host.SendAsync("GET", "/clients/" + client["client_id"])).Body!.AsObject();
        var echo = before.DeepClone().AsObject();
        foreach (var readOnly in (string[])["client_id", "global", "created_at", "updated_at"])
        {
            echo.Remove(readOnly);
        }

        var reply = await host.SendAsync("PATCH", "/clients/" + client["client_id"], echo.ToJsonString());
        reply.Status.ShouldBe(200, reply.Body?.ToJsonString());
        JsonNode.DeepEquals(reply.Body, before).ShouldBeTrue();
    }

    [Fact]
    public async Task The_nulls_by_which_Terraform_takes_away_what_its_configuration_does_not_name_are_accepted()
    {
        var host = await ManagementHost.SharedAsync();
        var client = "/clients/" + (await host.CreateClientAsync())["client_id"];
        var api = await host.CreateAsync("/resource-servers", $$"""{"name":"tf","identifier":"https://{{Identifier.Client()}}.example/"}""");

        var patched = await host.SendAsync("PATCH", client, """
            {"default_organization":null,"session_transfer":null,"oidc_backchannel_logout":null,"cross_origin_loc":null,"encryption_key":null,
            "addons":null,"token_quota":null,"token_exchange":null,"skip_non_verifiable_callback_uri_confirmation_prompt":null}
            """);
        patched.Status.ShouldBe(200, patched.Message);
        (await host.SendAsync("PATCH", client, """{"default_organization":{"organization_id":"org_x","flows":["client_credentials"]}}""")).ErrorCode.ShouldBe("invalid_body");
        patched = await host.SendAsync("PATCH", "/resource-servers/" + api["id"], """
            {"consent_policy":null,"authorization_details":null,"token_encryption":null,"proof_of_possession":null,"authorization_policy":null,
            "token_lifetime_for_anonymous_access_tokens":null,"access_token":null}
            """);
        patched.Status.ShouldBe(200, patched.Message);
    }

    [Fact]
    public async Task Metadata_is_merged_and_null_takes_a_member_away()
    {
        var host = await ManagementHost.SharedAsync();
        var path = "/clients/" + (await host.CreateAsync("/clients", """{"name":"tf","client_metadata":{"a":"1","b":"2"}}"""))["client_id"];

        var patched = await host.SendAsync("PATCH", path, """{"client_metadata":{"b":null,"c":"3"}}""");

        patched.Body!["client_metadata"]!.ToJsonString().ShouldBe("""{"a":"1","c":"3"}""");
        (await host.SendAsync("PATCH", path, """{"client_metadata":{"a":5}}""")).ErrorCode.ShouldBe("invalid_body");
        (await host.SendAsync("PATCH", path, "{\"client_metadata\":{" + string.Join(',', Enumerable.Range(0, 9).Select(n => $"\"m{n}\":\"x\"")) + "}}")).Message.ShouldNotBeNull().ShouldContain("at most 10");
        (await host.SendAsync("PATCH", path, """{"client_metadata":null}""")).Body!.AsObject().ContainsKey("client_metadata").ShouldBeFalse();
    }

    [Theory]
    [InlineData("""{}""", "Payload validation error: 'Missing required property: name'")]
    [InlineData("""{"name":"a","client_id":"x"}""", "Payload validation error: 'Additional properties not allowed: client_id'")]
    [InlineData("""{"name":"a","tenant":"x"}""", "Payload validation error: 'Additional properties not allowed: tenant'")]
    [InlineData("""{"name":"a","secret_hash":"x"}""", "Payload validation error: 'Additional properties not allowed: secret_hash'")]
    [InlineData("""{"name":"a","created_at":"x"}""", "Payload validation error: 'Additional properties not allowed: created_at'")]
    [InlineData("""{"name":"<script>"}""", "Payload validation error: 'A name holds neither < nor >' on property name")]
    [InlineData("""{"name":"a","app_type":"weird"}""", "Payload validation error: 'No enum match for: weird' on property app_type")]
    [InlineData("""{"name":"a","grant_types":["x"]}""", "Payload validation error: 'Unknown grant type: x' on property grant_types[0]")]
    [InlineData("""{"name":"a","token_endpoint_auth_method":"x"}""", "Payload validation error: 'No enum match for: x' on property token_endpoint_auth_method")]
    [InlineData("""{"name":"a","jwt_configuration":{"alg":"none"}}""", "Payload validation error: 'No enum match for: none' on property jwt_configuration.alg")]
    [InlineData("""{"name":"a","jwt_configuration":{"alg":"HS256"}}""", "Payload validation error: 'No enum match for: HS256' on property jwt_configuration.alg")]
    [InlineData("""{"name":"a","refresh_token":{"leeway":"1"}}""", "Payload validation error: 'Expected type integer but found type string' on property refresh_token.leeway")]
    [InlineData("""{"name":"a","refresh_token":{"policies":[{"scope":[]}]}}""", "Payload validation error: 'Missing required property: audience' on property refresh_token.policies[0]")]
    [InlineData("""{"name":"a","refresh_token":{"policies":[{"audience":"ISSUERapi/v2/"}]}}""", "Payload validation error: 'The Management API cannot be in a refresh token policy' on property refresh_token.policies")]
    [InlineData("""{"name":"a","require_proof_of_possession":"yes"}""", "Payload validation error: 'Expected type boolean but found type string' on property require_proof_of_possession")]
    [InlineData("""{"name":"a","resource_server_identifier":"https://api.example"}""", "Payload validation error: 'Only a client with app_type resource_server stands for an API' on property resource_server_identifier")]
    [InlineData("""{"name":"a","app_type":"resource_server","resource_server_identifier":"https://unknown.example"}""", "Payload validation error: 'There is no API with this identifier' on property resource_server_identifier")]
    public async Task T_MG_06_a_bad_body_is_refused_by_name(string json, string message)
    {
        var host = await ManagementHost.SharedAsync();
        var reply = await host.SendAsync("POST", "/clients", json.Replace("ISSUER", host.Issuer, StringComparison.Ordinal));
        reply.Status.ShouldBe(400);
        reply.ErrorCode.ShouldBe("invalid_body");
        reply.Message.ShouldBe(message);
    }

    [Theory]
    [InlineData("callbacks", "javascript:alert(1)")]
    [InlineData("callbacks", "http://shop.example/cb")]
    [InlineData("callbacks", "https://*.shop.example/cb")]
    [InlineData("callbacks", "com.example.app:/cb")]
    [InlineData("allowed_logout_urls", "data:text/html,x")]
    [InlineData("web_origins", "https://shop.example/path")]
    [InlineData("allowed_origins", "*")]
    [InlineData("logo_uri", "javascript:alert(1)")]
    public async Task T_MG_05_a_url_that_browsers_must_not_be_sent_to_is_not_stored(string member, string url)
    {
        var host = await ManagementHost.SharedAsync();
        var value = member == "logo_uri" ? $"\"{url}\"" : $"[\"{url}\"]";
        var reply = await host.SendAsync("POST", "/clients", $$"""{"name":"a","{{member}}":{{value}}}""");
        reply.Status.ShouldBe(400);
        reply.Message.ShouldNotBeNull().ShouldContain("on property " + member);
    }

    [Fact]
    public async Task T_MG_05_a_native_client_with_a_scheme_of_its_own_cannot_become_a_web_client()
    {
        var host = await ManagementHost.SharedAsync();
        var client = await host.CreateAsync("/clients", """{"name":"a","app_type":"native","callbacks":["com.example.app:/cb"]}""");
        (await host.SendAsync("PATCH", "/clients/" + client["client_id"], """{"app_type":"regular_web"}""")).ErrorCode.ShouldBe("invalid_body");
        (await host.SendAsync("PATCH", "/clients/" + client["client_id"], """{"app_type":"regular_web","callbacks":[]}""")).Status.ShouldBe(200);
    }

    [Fact]
    public async Task Changes_at_the_same_time_are_all_kept()
    {
        var host = await ManagementHost.SharedAsync();
        var client = await host.CreateClientAsync();
        string[] patches = ["""{"name":"renamed"}""", """{"description":"described"}""", """{"callbacks":["https://a.example/cb"]}""", """{"oidc_conformant":false}"""];
        var replies = await Task.WhenAll(patches.Select(patch => host.SendAsync("PATCH", "/clients/" + client["client_id"], patch)));
        replies.ShouldAllBe(reply => reply.Status == 200);
        var read = (await host.SendAsync("GET", "/clients/" + client["client_id"])).Body!;
        ((string?)read["name"]).ShouldBe("renamed");
        ((string?)read["description"]).ShouldBe("described");
        read["callbacks"]!.AsArray().Count.ShouldBe(1);
        ((bool)read["oidc_conformant"]!).ShouldBeFalse();
    }

    [Fact]
    public async Task A_deleted_client_takes_its_grants_and_its_places_at_connections_along()
    {
        var host = await ManagementHost.SharedAsync();
        var id = (string)(await host.CreateClientAsync())["client_id"]!;
        var name = "c-" + id;
        var grant = await host.CreateAsync("/client-grants", $$"""{"client_id":"{{id}}","audience":"{{host.MyAccount}}","scope":["read:me"],"subject_type":"user"}""");
        var connection = await host.CreateAsync("/connections", $$"""{"name":"{{name}}","strategy":"google-oauth2","enabled_clients":["{{id}}"]}""");

        (await host.SendAsync("DELETE", "/clients/" + id)).Status.ShouldBe(204);
        (await host.SendAsync("GET", "/clients/" + id)).ErrorCode.ShouldBe("inexistent_client");
        (await host.SendAsync("GET", "/client-grants/" + grant["id"])).ErrorCode.ShouldBe("inexistent_client_grant");
        (await host.SendAsync("GET", "/connections/" + connection["id"])).Body!["enabled_clients"]!.AsArray().ShouldBeEmpty();
        (await host.SendAsync("DELETE", "/clients/" + id)).Status.ShouldBe(204);
    }

    [Fact]
    public async Task Every_write_leaves_one_audit_row_a_refused_one_too()
    {
        var host = await ManagementHost.SharedAsync();
        var id = (string)(await host.CreateClientAsync())["client_id"]!;
        await host.SendAsync("PATCH", "/clients/" + id, """{"name":"b"}""");
        await host.SendAsync("PATCH", "/clients/" + id, """{"name":1}""");
        await host.SendAsync("DELETE", "/clients/" + id);

        var rows = (await host.AuditAsync()).Where(row => row.GetRawText().Contains(id, StringComparison.Ordinal)).ToList();
        rows.Select(row => row.GetProperty("description").GetString()).ShouldBe(["Create a client", "Update a client", "Refused: invalid_body", "Delete a client"]);
        rows.ShouldAllBe(row => row.GetProperty("client_id").GetString() == host.Caller);
        rows.Select(row => row.GetProperty("type").GetString()).ShouldBe(["sapi", "sapi", "fapi", "sapi"]);
        rows.ShouldAllBe(row => row.GetProperty("ip").GetString()!.Length > 0);
        rows[1].GetProperty("details").GetProperty("request").GetProperty("method").GetString().ShouldBe("patch");
    }
}
