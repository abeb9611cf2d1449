using System.Text.Json.Nodes;
using TokenVault.Cli.Tests.Running;

namespace TokenVault.Cli.Tests.Commands;

public sealed class DeviceLoginTests
{
    [Theory]
    [InlineData("authorization_pending", 0, "Logged in")]
    [InlineData("access_denied", 4, "refused in the browser")]
    [InlineData("expired_token", 4, "expired_token")]
    public async Task A_person_logs_in_by_a_code(string first, int exitCode, string message)
    {
        var polls = 0;
        await using var server = await StubServer.StartAsync(request => request.Path == "/oauth/device/code"
            ? (200, new JsonObject
            {
                ["device_code"] = "the-device-code",
                ["user_code"] = "WDJB-MJHT",
                ["verification_uri"] = "https://vault.example/activate",
                ["verification_uri_complete"] = "https://vault.example/activate?user_code=WDJB-MJHT",
                ["expires_in"] = 60,
                ["interval"] = 0,
            })
            : Interlocked.Increment(ref polls) == 1
                ? (403, new JsonObject { ["error"] = first })
                : (200, new JsonObject { ["access_token"] = "the-token", ["expires_in"] = 3600 }));
        using var desk = new Desk();

        var run = await desk.RunAsync("login", "--device", "--debug", "--domain", server.Domain, "--ca", desk.Write("ca.pem", server.Authority), "--client-id", "cli");

        run.ExitCode.ShouldBe(exitCode, run.All);
        run.Errors.ShouldContain(message);
        run.Output.ShouldContain("WDJB-MJHT");
        run.All.ShouldNotContain("the-device-code");
        run.All.ShouldNotContain("the-token");
        File.Exists(Path.Combine(desk.ConfigDirectory, "profiles.json")).ShouldBe(exitCode == 0);
    }
}
