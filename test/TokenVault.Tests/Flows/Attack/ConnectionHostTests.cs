using System.Text.Json.Nodes;
using TokenVault.Server.Protocol;

namespace TokenVault.Tests.Flows.Attack;

public sealed class ConnectionHostTests(AttackScene scene) : IClassFixture<AttackScene>
{
    [Theory]
    [InlineData("tokenURL", null)]
    [InlineData("tokenURL", "********")]
    [InlineData("userInfoURL", null)]
    [InlineData("revocationURL", null)]
    [InlineData("authorizationURL", null)]
    public async Task T_MG_01_who_may_change_a_connection_cannot_have_its_stored_secret_sent_elsewhere(string member, string? secret)
    {
        var (path, options) = await ConnectionAsync();
        options[member] = "https://attacker.example/collect";
        Secret(options, secret);
        var moved = await scene.Admin.PatchAsync(path, Body(options));
        moved.Status.ShouldBe(400, moved.Text);
        moved["message"]!.ShouldContain("client_secret");

        // Who knows the secret may move the connection.
        Secret(options, "the secret, known to the operator");
        (await scene.Admin.PatchAsync(path, Body(options))).Status.ShouldBe(200);
    }

    [Fact]
    public async Task T_MG_01_a_catalogue_provider_cannot_be_moved_without_its_secret()
    {
        var connection = await scene.Admin.CreateConnectionAsync(
            "google-" + Identifier.Client(), "google-oauth2", new JsonObject { ["client_id"] = "x", ["client_secret"] = "y" }, scene.App.Credentials);
        var answer = await scene.Admin.PatchAsync(
            "connections/" + connection["id"], Body(new JsonObject { ["client_id"] = "x", ["tokenURL"] = "https://attacker.example/token" }));
        answer.Status.ShouldBe(400, answer.Text);
    }

    [Fact]
    public async Task Another_path_on_the_same_host_needs_no_secret()
    {
        var (path, options) = await ConnectionAsync();
        options["tokenURL"] = options["tokenURL"] + "/v2";
        Secret(options, null);
        (await scene.Admin.PatchAsync(path, Body(options))).Status.ShouldBe(200);
    }

    private async Task<(string Path, JsonObject Options)> ConnectionAsync()
    {
        var options = scene.Provider.OAuth2Options("calendar.read");
        var connection = await scene.Admin.CreateConnectionAsync("moved-" + Identifier.Client(), "oauth2", options, scene.App.Credentials);
        return ("connections/" + connection["id"], options.DeepClone().AsObject());
    }

    private static void Secret(JsonObject options, string? secret)
    {
        options.Remove("client_secret");
        if (secret is not null)
        {
            options["client_secret"] = secret;
        }
    }

    private static JsonObject Body(JsonObject options) => new() { ["options"] = options.DeepClone() };
}
