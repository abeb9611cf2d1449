using TokenVault.Server;
using TokenVault.Testing;

namespace TokenVault.Tests.Flows.Approvals;

public sealed class ApprovalSettingsTests
{
    [Fact]
    public async Task Channels_that_cannot_work_keep_the_server_from_starting_and_every_mistake_is_named()
    {
        var settings = new Dictionary<string, string?>
        {
            ["TokenVault:Approvals:RequestsPerMinute"] = "many",
            ["TokenVault:Approvals:Webhook:Url"] = "ftp://hook.example/",
            ["TokenVault:Approvals:Webhook:Secret"] = "planted-canary",
            ["TokenVault:Approvals:Mail:Host"] = "mail.example",
            ["TokenVault:Approvals:Mail:UserName"] = "vault",
            ["TokenVault:Approvals:Mail:Password"] = "planted-canary",
            ["TokenVault:Approvals:Mail:StartTls"] = "false",
            ["TokenVault:Approvals:Push:Url"] = "x",
        };
        var refusal = await Should.ThrowAsync<StartupException>(() => TestVault.StartAsync(settings));
        foreach (var name in (string[])["RequestsPerMinute must be", "Webhook__Url", "Webhook__Secret must have", "Mail__Host and", "Mail__StartTls must be on", "Push__Url is not a setting"])
        {
            refusal.Message.ShouldContain(name);
        }

        refusal.Message.ShouldNotContain("planted-canary");
    }
}
