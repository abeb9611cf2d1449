using System.Security.Cryptography.X509Certificates;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Users;

namespace TokenVault.Tests.Management;

/// <summary>What there is once: settings, policies, signing keys; and sessions and token exchange profiles.</summary>
public sealed class TenantTests
{
    [Fact]
    public async Task Settings_are_read_changed_and_kept()
    {
        await using var host = await ManagementHost.StartAsync();
        var before = (await host.SendAsync("GET", "/tenants/settings")).Body!.AsObject();
        before.ContainsKey("friendly_name").ShouldBeFalse();
        ((double)before["session_lifetime"]!).ShouldBe(168);

        // What a tool read may come back.
        (await host.SendAsync("PATCH", "/tenants/settings", before.ToJsonString())).Status.ShouldBe(200);
        var body = """{"friendly_name":"Acme","support_email":"help@acme.example","allowed_logout_urls":["https://acme.example/bye"],"flags":{"enable_client_connections":false}}""";
        (await host.SendAsync("PATCH", "/tenants/settings", body)).Body!["friendly_name"]!.GetValue<string>().ShouldBe("Acme");
        (await host.SendAsync("GET", "/tenants/settings?fields=friendly_name")).Body!.ToJsonString().ShouldBe("""{"friendly_name":"Acme"}""");
        (await host.SendAsync("PATCH", "/tenants/settings", """{"flags":{"enable_pipeline2":true}}""")).ErrorCode.ShouldBe("invalid_body");
        (await host.SendAsync("PATCH", "/tenants/settings", """{"session_lifetime":0}""")).ErrorCode.ShouldBe("invalid_body");
        (await host.SendAsync("PATCH", "/tenants/settings", """{"allowed_logout_urls":["javascript:x"]}""")).ErrorCode.ShouldBe("invalid_body");

        using var back = await host.Vault.Api.Http.GetAsync(host.Issuer + "v2/logout?returnTo=https%3A%2F%2Facme.example%2Fbye");
        ((int)back.StatusCode, back.Headers.Location?.ToString()).ShouldBe((302, "https://acme.example/bye"));
        using var elsewhere = await host.Vault.Api.Http.GetAsync(host.Issuer + "v2/logout?returnTo=https%3A%2F%2Fevil.example%2F");
        ((int)elsewhere.StatusCode).ShouldBe(400);
    }

    [Fact]
    public async Task The_multi_factor_policy_is_stored_one_at_a_time_and_each_change_is_logged()
    {
        await using var host = await ManagementHost.StartAsync();
        (await host.SendAsync("GET", "/guardian/policies")).Body!.ToJsonString().ShouldBe("[]");
        foreach (var policy in (string[])["""["all-applications"]""", """["confidence-score"]""", "[]"])
        {
            (await host.SendAsync("PUT", "/guardian/policies", policy)).Body!.ToJsonString().ShouldBe(policy);
            (await host.SendAsync("GET", "/guardian/policies")).Body!.ToJsonString().ShouldBe(policy);
        }

        foreach (var wrong in (string[])["{}", "null", "\"all-applications\"", """["never"]""", "[1]", """["all-applications","confidence-score"]"""])
        {
            (await host.SendAsync("PUT", "/guardian/policies", wrong)).ErrorCode.ShouldBe("invalid_body", wrong);
        }

        (await host.SendAsync("PUT", "/guardian/policies", "[]")).Status.ShouldBe(200, "the same again is no change");
        (await host.AuditAsync()).Count(row => row.GetProperty("description").GetString() == "Set the multi-factor policy").ShouldBe(3);
    }

    [Fact]
    public async Task Encryption_keys_are_shown_and_a_new_one_takes_over()
    {
        await using var host = await ManagementHost.StartAsync();
        var first = (await host.SendAsync("GET", "/keys/encryption")).Body!.AsArray().ShouldHaveSingleItem()!;
        ((string?)first["state"]).ShouldBe("active");

        (await host.SendAsync("POST", "/keys/encryption/rekey")).Status.ShouldBe(204);

        var list = (await host.SendAsync("GET", "/keys/encryption?include_totals=true")).Body!;
        ((int)list["total"]!, (string?)list["keys"]![0]!["state"], (string?)list["keys"]![1]!["kid"]).ShouldBe((2, "active", (string?)first["kid"]));
        ((string?)(await host.SendAsync("GET", $"/keys/encryption/{first["kid"]}")).Body!["state"]).ShouldBe("deactivated");
        (await host.SendAsync("GET", "/keys/encryption/vk_0")).ErrorCode.ShouldBe("inexistent_encryption_key");
        (await host.AuditAsync()).Count(row => row.GetProperty("description").GetString() == "Make a vault key").ShouldBe(1);
        (await host.SendAsync("GET", "/clients")).Status.ShouldBe(200);
    }

    [Fact]
    public async Task Signing_keys_are_shown_rotated_and_revoked()
    {
        await using var host = await ManagementHost.StartAsync();
        var keys = (await host.SendAsync("GET", "/keys/signing")).Body!.AsArray();
        var current = keys[0]!;
        ((string?)current["alg"], (bool)current["current"]!, (bool)current["revoked"]!).ShouldBe(("RS256", true, false));
        using var certificate = X509Certificate2.CreateFromPem((string)current["cert"]!);
        ((string?)current["thumbprint"]).ShouldBe(certificate.Thumbprint);
        (await host.SendAsync("GET", "/keys/signing")).Body!.ToJsonString().ShouldBe(keys.ToJsonString());
        keys.ToJsonString().ShouldNotContain("PRIVATE");

        var rotated = await host.SendAsync("POST", "/keys/signing/rotate");
        rotated.Status.ShouldBe(201);
        ((string?)rotated.Body!["kid"]).ShouldBe((string?)keys.Single(key => (bool)key!["next"]! && (string?)key["alg"] == "RS256")!["kid"]);
        var kid = (string)current["kid"]!;
        ((bool)(await host.SendAsync("GET", "/keys/signing/" + kid)).Body!["previous"]!).ShouldBeTrue();

        // Tokens of the former key still verify; once it is revoked they do not.
        (await host.SendAsync("PUT", $"/keys/signing/{rotated.Body["kid"]}/revoke")).Status.ShouldBe(403);
        (await host.SendAsync("PUT", $"/keys/signing/{kid}/revoke")).Status.ShouldBe(200);
        (await host.SendAsync("GET", "/keys/signing")).Status.ShouldBe(401);
        var fresh = "Bearer " + host.Token(["read:signing_keys"]);
        ((bool)(await host.SendAsync("GET", "/keys/signing/" + kid, null, fresh)).Body!["revoked"]!).ShouldBeTrue();
        (await host.SendAsync("GET", "/keys/signing/nobody", null, fresh)).ErrorCode.ShouldBe("inexistent_signing_key");
        (await host.AuditAsync()).Count(row => row.GetProperty("description").GetString()!.EndsWith("signing key", StringComparison.Ordinal)).ShouldBe(3);
    }

    [Fact]
    public async Task Sessions_are_listed_and_ended()
    {
        var host = await ManagementHost.SharedAsync();
        var user = await host.CreateAsync(
            "/users", $$"""{"connection":"{{Wire.DatabaseConnection}}","email":"{{Identifier.Client()}}@example.com","password":"correct horse battery"}""");
        var userId = (string)user["user_id"]!;
        var session = new Session
        {
            Id = Identifier.Session(),
            UserId = userId,
            CookieHash = Identifier.Hash(Identifier.Secret()),
            AuthenticatedAt = host.Clock.GetUtcNow(),
            IdleExpiresAt = host.Clock.GetUtcNow().AddHours(1),
            AbsoluteExpiresAt = host.Clock.GetUtcNow().AddHours(2),
            ClientIds = ["a-client"],
        };
        (await host.Storage.CommitAsync(new Batch().Insert(session))).Committed.ShouldBeTrue();

        var path = $"/users/{Uri.EscapeDataString(userId)}/sessions";
        var listed = (await host.SendAsync("GET", path)).Body!["sessions"]!.AsArray().ShouldHaveSingleItem()!;
        ((string?)listed["id"], listed["clients"]!.ToJsonString()).ShouldBe((session.Id, """[{"client_id":"a-client"}]"""));
        listed.ToJsonString().ShouldNotContain(session.CookieHash);
        (await host.SendAsync("GET", "/sessions/" + session.Id)).Status.ShouldBe(200);
        (await host.SendAsync("DELETE", "/sessions/" + session.Id)).Status.ShouldBe(202);
        (await host.SendAsync("GET", "/sessions/" + session.Id)).ErrorCode.ShouldBe("inexistent_session");
        (await host.SendAsync("DELETE", path)).Status.ShouldBe(202);
        (await host.SendAsync("GET", "/users/nobody/sessions")).ErrorCode.ShouldBe("inexistent_user");
    }

    [Fact]
    public async Task Token_exchange_profiles_are_made_changed_and_deleted()
    {
        var host = await ManagementHost.SharedAsync();
        var type = "urn:partner:" + Identifier.Client();
        var json = $$"""{"name":"Partner","subject_token_type":"{{type}}","action_id":"a-1","type":"custom_authentication"}""";
        var made = await host.CreateAsync("/token-exchange-profiles", json);
        ((string)made["id"]!).ShouldStartWith("tep_");
        (await host.SendAsync("POST", "/token-exchange-profiles", json)).ErrorCode.ShouldBe("conflict");
        var path = "/token-exchange-profiles/" + made["id"];
        ((string?)(await host.SendAsync("PATCH", path, """{"name":"Other"}""")).Body!["name"]).ShouldBe("Other");
        (await host.SendAsync("PATCH", path, """{"action_id":"x"}""")).ErrorCode.ShouldBe("invalid_body");
        (await host.SendAsync("GET", "/token-exchange-profiles")).Body!["token_exchange_profiles"]!.AsArray()
            .ShouldContain(profile => (string?)profile!["id"] == (string?)made["id"]);
        (await host.SendAsync("DELETE", path)).Status.ShouldBe(204);
        (await host.SendAsync("GET", path)).ErrorCode.ShouldBe("inexistent_token_exchange_profile");
    }

    [Theory]
    [InlineData("urn:ietf:params:oauth:token-type:jwt")]
    [InlineData("HTTPS://AUTH0.COM/token")]
    [InlineData("not a uri at all")]
    [InlineData("urn:short")]
    [InlineData("javascript:alert(1)")]
    public async Task A_token_type_of_somebody_else_is_refused(string type)
    {
        var host = await ManagementHost.SharedAsync();
        var reply = await host.SendAsync("POST", "/token-exchange-profiles", $$"""{"name":"x","subject_token_type":"{{type}}","action_id":"a"}""");
        reply.ErrorCode.ShouldBe("invalid_body");
    }
}
