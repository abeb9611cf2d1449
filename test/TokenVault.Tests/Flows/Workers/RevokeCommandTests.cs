using Microsoft.Extensions.Configuration;
using TokenVault.Server;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Flows.Workers;

/// <summary><c>tokenvault-server revoke</c>: what an operator does when a worker's key was stolen.</summary>
public sealed class RevokeCommandTests(VaultScene scene) : IClassFixture<VaultScene>
{
    [Theory]
    [InlineData]
    [InlineData("--everything")]
    [InlineData("--user")]
    [InlineData("--all", "now")]
    [InlineData("--user", "auth0|1", "auth0|2")]
    [InlineData("--client", "a b")]
    public async Task Arguments_that_are_none_show_the_usage(params string[] args)
    {
        await using var output = new StringWriter();
        (await RevokeCommand.RunAsync(args, output, new ConfigurationBuilder().Build())).ShouldBe(2);
        output.ToString().ShouldStartWith("usage: tokenvault-server revoke --client");
    }

    [Fact]
    public async Task T_PW_09_one_users_grants_are_withdrawn_at_the_provider_and_the_others_stay()
    {
        var (user, other) = (await scene.ConnectedUserAsync(), await scene.ConnectedUserAsync(person: "grace"));
        var (code, text) = await RunAsync("--user", user.Id);
        text.ShouldContain("Disconnected 1 accounts; 0 keep changing");
        text.ShouldContain("Grants at the providers: ");
        text.ShouldNotContain("pending");
        code.ShouldBe(0);
        (await user.ExchangeAsync())["reason"].ShouldBe("not_connected");
        (await other.ExchangeAsync()).Status.ShouldBe(200);
        ((string?)(await scene.AuditAsync("connected_accounts_delete_succeeded", user.Id)).ShouldHaveSingleItem()["description"])
            .ShouldBe($"The operator withdraws grants: revoke --user {user.Id}");
    }

    [Fact]
    public async Task T_PW_09_what_a_client_could_reach_is_withdrawn_and_then_everything_else()
    {
        await scene.AddConnectionAsync("shared");
        var user = await scene.ConnectedUserAsync("shared");
        (await RunAsync("--connection", "shared")).Text.ShouldContain("Disconnected 1 accounts");
        (await user.ExchangeAsync("shared"))["reason"].ShouldBe("not_connected");

        await user.ConnectAsync("shared");
        (await RunAsync("--client", scene.App.Credentials.ClientId)).Code.ShouldBe(0);
        (await user.ExchangeAsync("shared"))["reason"].ShouldBe("not_connected");
        (await RunAsync("--all")).Text.ShouldContain("Disconnected 0 accounts");
        (await RunAsync("--all")).Text.ShouldContain("Grants at the providers: none.");
    }

    [Fact]
    public async Task What_does_not_exist_is_named()
    {
        foreach (var kind in (string[])["--client", "--connection", "--user"])
        {
            (await Should.ThrowAsync<StartupException>(() => RunAsync(kind, "nobody"))).Message.ShouldEndWith("'nobody'.");
        }
    }

    [Fact]
    public async Task Without_a_server_the_verb_asks_the_providers_itself()
    {
        var user = await scene.ConnectedUserAsync();
        await scene.Vault.RestartAsync(async () => (await RunAsync("--user", user.Id)).Text.ShouldContain("Disconnected 1 accounts"));
        (await user.ExchangeAsync())["reason"].ShouldBe("not_connected");
    }

    private async Task<(int Code, string Text)> RunAsync(params string[] args)
    {
        await using var output = new StringWriter();
        var settings = new Dictionary<string, string?>
        {
            ["TokenVault:DataDirectory"] = scene.Vault.DataDirectory,
            ["TokenVault:Issuer"] = scene.Vault.Issuer,
            ["TokenVault:Egress:AllowedNetworks:0"] = "127.0.0.0/8",
        };
        var code = await RevokeCommand.RunAsync(args, output, new ConfigurationBuilder().AddInMemoryCollection(settings).Build(), scene.Clock);
        return (code, output.ToString());
    }
}
