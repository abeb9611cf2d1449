using Microsoft.Extensions.Configuration;
using TokenVault.Server;
using TokenVault.Server.Demo;
using TokenVault.Server.Keys;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Flows.Keys;

/// <summary>The drill of docs/operating.md: a backup beside the running server, a day of work, and the backup put back.</summary>
public abstract class RestoreDrillFlows : VaultScene
{
    [Fact]
    public async Task F_24_T_EN_09_After_a_restore_everything_opens_and_what_the_provider_replaced_asks_for_a_reconnect()
    {
        var (steady, rotated) = (await ConnectedUserAsync(), await ConnectedUserAsync());
        await TakeBackupAsync();
        for (var i = 0; i < 3; i++)
        {
            EndAccessTokens();
            (await rotated.ExchangeAsync()).Status.ShouldBe(200);
        }

        await CommandAsync("rotate");
        Clock.Advance(KeyRingSource.Announcement);
        await CommandAsync("rewrap");
        var late = await ConnectedUserAsync();

        await Vault.RestartAsync(RestoreAsync);

        (await CommandAsync("list")).ShouldContain("generation 1   active");
        (await CommandAsync("verify")).ShouldContain("; 0 do not open.");
        (await steady.ExchangeAsync()).Status.ShouldBe(200);
        var refused = await rotated.ExchangeAsync();
        (refused.Status, refused["reason"]).ShouldBe((401, "reauthorization_required"), refused.Text);
        await rotated.ConnectAsync();
        (await rotated.ExchangeAsync()).Status.ShouldBe(200);
        (await late.ExchangeAsync()).Status.ShouldBe(403);

        // And the vault goes on: a new key, and everything under it.
        (await CommandAsync("rotate")).ShouldContain("generation 2");
        Clock.Advance(KeyRingSource.Announcement);
        await CommandAsync("rewrap");
        (await CommandAsync("verify")).ShouldContain("; 0 do not open.");
        EndAccessTokens();
        (await steady.ExchangeAsync()).Status.ShouldBe(200);
    }

    [Fact]
    public async Task F_24_The_restored_verb_ends_what_was_revoked_since_the_backup_and_keeps_the_connected_accounts()
    {
        var (user, revoked) = (await ConnectedUserAsync(), await ConnectedUserAsync());
        await TakeBackupAsync();
        (await RevokeAsync(revoked)).Status.ShouldBe(200);
        (await revoked.ExchangeAsync()).Status.ShouldBe(403);

        await Vault.RestartAsync(RestoreAsync);
        (await revoked.ExchangeAsync()).Status.ShouldBe(200);

        string output = "";
        await Vault.RestartAsync(async () => output = await RestoredAsync());

        output.ShouldContain("ended 2 refresh tokens");
        output.ShouldContain("withdrew 4 signing keys");
        foreach (var one in (TestUser[])[user, revoked])
        {
            (await one.ExchangeAsync()).Status.ShouldBe(403);
            (await one.ExchangeByAccessTokenAsync()).Status.ShouldBe(401);
        }

        var browser = Vault.NewBrowser();
        var again = user with { Browser = browser };
        await again.SignInAsync();
        (await again.ExchangeAsync()).Status.ShouldBe(200);
        (await again.ExchangeByAccessTokenAsync()).Status.ShouldBe(200);
        (await CommandAsync("verify")).ShouldContain("; 0 do not open.");
    }

    private protected abstract IReadOnlyDictionary<string, string?> CommandSettings { get; }

    /// <summary>As the operator does it with the server running: one consistent copy.</summary>
    private protected abstract Task TakeBackupAsync();

    private protected abstract Task RestoreAsync();

    private Task<Answer> RevokeAsync(TestUser user) => Vault.Api.FormAsync("oauth/revoke", new Dictionary<string, string>
    {
        ["client_id"] = App.Credentials.ClientId,
        ["client_secret"] = App.Credentials.ClientSecret,
        ["token"] = user.RefreshToken,
    });

    private async Task<string> CommandAsync(string verb)
    {
        await using var output = new StringWriter { NewLine = "\n" };
        (await KeysCommand.RunAsync([verb], output, Configuration, Clock)).ShouldBe(0, output.ToString());
        return output.ToString();
    }

    private protected async Task<string> RestoredAsync()
    {
        await using var output = new StringWriter { NewLine = "\n" };
        (await RestoredCommand.RunAsync([], output, Configuration, Clock)).ShouldBe(0);
        return output.ToString();
    }

    private IConfiguration Configuration => new ConfigurationBuilder().AddInMemoryCollection(CommandSettings).Build();
}
