using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using TokenVault.Cli.Tests.Running;

namespace TokenVault.Cli.Tests.Commands;

/// <summary>Each thing that can be amiss, at a server where that alone is, and what is said to do.</summary>
public sealed class DoctorTests
{
    [Theory]
    [InlineData("nothing", 100, 0, 0, null, null)]
    [InlineData("nothing", 5, 0, 1, "certificate", "Renew it")]
    [InlineData("nothing", 15, 0, 0, "certificate", "Renew it")]
    [InlineData("nothing", 100, 120, 1, "clock", "NTP")]
    [InlineData("storage", 100, 0, 1, "storage", "root key")]
    [InlineData("published keys", 100, 0, 1, "keys", "server's own log")]
    [InlineData("no current key", 100, 0, 1, "signing keys", "tokenvault keys rotate")]
    [InlineData("old key", 100, 0, 0, "signing keys", "tokenvault keys rotate")]
    [InlineData("key scope", 100, 0, 0, "signing keys", "scope")]
    [InlineData("key trouble", 100, 0, 1, "signing keys", "server's own log")]
    [InlineData("client trouble", 100, 0, 1, "configuration", null)]
    [InlineData("no vault key", 100, 0, 1, "vault keys", "server's own log")]
    [InlineData("suspended stream", 100, 0, 1, "log streams", "active")]
    [InlineData("redirect URI", 100, 0, 1, "connection corporate", "TokenVault__Issuer")]
    [InlineData("provider dns", 100, 0, 1, "connection corporate", "name servers")]
    [InlineData("provider refused", 100, 0, 1, "connection corporate", "firewall")]
    [InlineData("provider timeout", 100, 0, 1, "connection corporate", "firewall")]
    [InlineData("provider tls", 100, 0, 1, "connection corporate", "TokenVault__Egress__CertificateAuthorityFile")]
    [InlineData("provider egress", 100, 0, 1, "connection corporate", "TokenVault__Egress__AllowedNetworks__0")]
    [InlineData("provider status", 100, 0, 1, "connection corporate", "look again later")]
    [InlineData("provider metadata", 100, 0, 1, "connection corporate", "discovery_url and issuer")]
    [InlineData("provider configuration", 100, 0, 1, "connection corporate", "tokenvault connections update con_1")]
    [InlineData("provider broken", 100, 0, 1, "connection corporate", "does not speak HTTP")]
    [InlineData("browsers' way", 100, 0, 0, "connection corporate", "name servers")]
    [InlineData("check scope", 100, 0, 0, "connection corporate", "scope")]
    [InlineData("server's way", 100, 0, 0, "connection corporate", "allowed networks")]
    [InlineData("no callback", 100, 0, 0, "application web", "--callback-urls")]
    [InlineData("plain callback", 100, 0, 0, "application web", "https")]
    [InlineData("public client", 100, 0, 1, "application web", "token_endpoint_auth_method")]
    [InlineData("rotation", 100, 0, 0, "application web", "--allow-weakening")]
    public async Task Each_finding_is_told_with_what_to_do(string amiss, int days, int secondsAhead, int exitCode, string? subject, string? advice)
    {
        StubServer? stub = null;
        await using var server = stub = await StubServer.StartAsync(request => Answer(request, amiss, stub?.Domain), days, TimeSpan.FromSeconds(secondsAhead));
        using var desk = new Desk();
        string[] login = ["--domain", server.Domain, "--ca", desk.Write("ca.pem", server.Authority), "--client-id", "x", "--client-secret-stdin"];

        var run = await desk.RunWithInputAsync("a-secret", ["doctor", "--json", .. login]);

        run.ExitCode.ShouldBe(exitCode, run.All);
        var findings = run.Json.AsArray().Where(finding => (string?)finding!["verdict"] != "good").ToList();
        if (subject is null)
        {
            findings.ShouldBeEmpty();
            return;
        }

        var finding = findings.ShouldHaveSingleItem()!;
        ((string?)finding["subject"]).ShouldBe(subject);
        ((string)finding["verdict"]!).ShouldBe(exitCode == 0 ? "doubtful" : "bad");
        if (advice is not null)
        {
            ((string)finding["advice"]!).ShouldContain(advice);
        }
    }

    private static (int Status, JsonNode Body) Answer(HttpRequest request, string amiss, string? domain) => request.Path.Value switch
    {
        "/health/ready" => (amiss == "storage" ? 503 : 200, new JsonObject()),
        "/.well-known/jwks.json" => (200, new JsonObject { ["keys"] = amiss == "published keys" ? new JsonArray() : new JsonArray(new JsonObject()) }),
        "/oauth/token" => (200, new JsonObject { ["access_token"] = "the-token", ["expires_in"] = 3600 }),
        "/api/v2/keys/signing" when amiss == "key scope" =>
            (403, new JsonObject { ["statusCode"] = 403, ["message"] = "Insufficient scope, expected any of: read:signing_keys" }),
        "/api/v2/keys/signing" when amiss == "key trouble" => (500, new JsonObject { ["statusCode"] = 500, ["message"] = "Internal error" }),
        "/api/v2/clients" when amiss == "client trouble" => (500, new JsonObject { ["statusCode"] = 500, ["message"] = "Internal error" }),
        "/api/v2/keys/signing" => (200, new JsonArray(new JsonObject
        {
            ["kid"] = "1",
            ["current"] = amiss != "no current key",
            ["current_since"] = amiss == "old key" ? "2020-01-01T00:00:00.000Z" : TimeProvider.System.GetUtcNow().ToString("O"),
        })),
        "/api/v2/keys/encryption" => (200, List("keys", new JsonObject { ["state"] = amiss == "no vault key" ? "destroyed" : "active" })),
        "/api/v2/log-streams" => (200, new JsonArray(new JsonObject { ["name"] = "siem", ["status"] = amiss == "suspended stream" ? "suspended" : "active" })),
        "/api/v2/clients" => (200, List("clients", Client(amiss))),
        "/api/v2/connections" => (200, List("connections", Connection(amiss, domain))),
        "/api/v2/connections/con_1/check" when amiss == "check scope" =>
            (403, new JsonObject { ["statusCode"] = 403, ["message"] = "Insufficient scope, expected any of: read:connections" }),
        "/api/v2/connections/con_1/check" => (200, Check(amiss)),
        "/api/v2/logs" => (200, amiss == "server's way"
            ? new JsonArray(new JsonObject { ["type"] = "feta", ["date"] = "2026-01-01", ["details"] = new JsonObject { ["failure_reason"] = "temporarily_unavailable" } })
            : new JsonArray()),
        _ => (200, new JsonObject()),
    };

    private static JsonObject Client(string amiss) => new()
    {
        ["client_id"] = "web",
        ["name"] = "web",
        ["app_type"] = "regular_web",
        ["grant_types"] = new JsonArray("authorization_code", "urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token"),
        ["token_endpoint_auth_method"] = amiss == "public client" ? "none" : "client_secret_post",
        ["refresh_token"] = new JsonObject { ["rotation_type"] = amiss == "rotation" ? "rotating" : "non-rotating" },
        ["callbacks"] = amiss switch
        {
            "no callback" => new JsonArray(),
            "plain callback" => new JsonArray("http://app.example/callback"),
            _ => new JsonArray("https://app.example/callback", "http://127.0.0.1:3000/callback"),
        },
    };

    private static JsonObject Connection(string amiss, string? domain) => new()
    {
        ["id"] = "con_1",
        ["name"] = "corporate",
        ["strategy"] = "oauth2",
        ["enabled_clients"] = new JsonArray("web"),
        ["callback_url"] = $"https://{(amiss == "redirect URI" ? "other.example" : domain)}/login/callback/corporate",
    };

    private static JsonObject Check(string amiss)
    {
        var url = new JsonObject { ["name"] = "token_endpoint", ["url"] = "https://provider.example/token", ["status"] = 400 };
        if (amiss == "browsers' way" || amiss.StartsWith("provider ", StringComparison.Ordinal))
        {
            url["name"] = amiss == "browsers' way" ? "authorization_endpoint" : "token_endpoint";
            url["problem"] = amiss == "browsers' way" ? "dns" : amiss["provider ".Length..];
            url["detail"] = "no answer";
        }

        return new JsonObject { ["reachable"] = url["problem"] is null, ["urls"] = new JsonArray(url) };
    }

    private static JsonObject List(string member, JsonObject item) => new() { [member] = new JsonArray(item) };
}
