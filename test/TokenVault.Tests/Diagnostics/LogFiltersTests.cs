using TokenVault.Testing;

namespace TokenVault.Tests.Diagnostics;

public sealed class LogFiltersTests
{
    [Theory]
    [InlineData("Logging:LogLevel:Default")]
    [InlineData("Logging:LogLevel:Microsoft.AspNetCore.Hosting.Diagnostics")]
    [InlineData("Logging:TestLog:LogLevel:Microsoft.AspNetCore.Hosting.Diagnostics")]
    public async Task T_AU_01_no_setting_makes_the_server_log_the_query_of_a_request(string setting)
    {
        await using var vault = await TestVault.StartAsync(new Dictionary<string, string?> { [setting] = "Trace" });
        foreach (var path in new[] { "authorize", "login/callback/any", "connect", "u/login", "v2/logout", "userinfo", "nowhere" })
        {
            await vault.Api.SendAsync(HttpMethod.Get, $"{path}?state=canary-value&code=canary-value&ticket=canary-value&access_token=canary-value");
        }

        vault.Log.Text.ShouldContain("Token Vault serves");
        vault.Log.Text.Split('\n').Where(line => line.Contains("canary-value", StringComparison.Ordinal)).ShouldBeEmpty();
    }
}
