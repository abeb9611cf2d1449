using TokenVault.Server;
using TokenVault.Server.Connections;
using TokenVault.Testing;

namespace TokenVault.Tests.Connections;

/// <summary>Changes the process's environment, so nothing else may run beside it.</summary>
[CollectionDefinition(nameof(ProxyEnvironmentTests), DisableParallelization = true)]
public sealed class ProxyEnvironmentGroup;

[Collection(nameof(ProxyEnvironmentTests))]
public sealed class ProxyEnvironmentTests
{
    private static readonly string[] Variables = ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];

    [Fact]
    public async Task T_UP_13_A_proxy_in_the_environment_is_not_used()
    {
        var before = Variables.ToDictionary(v => v, Environment.GetEnvironmentVariable);
        await using var proxy = await FakeProvider.StartAsync();
        await using var provider = await FakeProvider.StartAsync();
        try
        {
            foreach (var variable in Variables)
            {
                Environment.SetEnvironmentVariable(variable, proxy.Issuer);
            }

            using var http = UpstreamHttpTests.Http(TimeProvider.System);
            using var request = new HttpRequestMessage(HttpMethod.Get, provider.Sandbox.DiscoveryUrl);
            var (answer, _) = await http.SendAsync(request, UpstreamHttp.DefaultLimit, CancellationToken.None);
            answer.ShouldNotBeNull();
        }
        finally
        {
            foreach (var (variable, value) in before)
            {
                Environment.SetEnvironmentVariable(variable, value);
            }
        }

        provider.Discovery.Calls.ShouldBe(1);
        proxy.Discovery.Calls.ShouldBe(0);
    }

    [Fact]
    public void T_UP_13_The_handler_follows_nobody_and_keeps_nothing()
    {
        using var handler = new EgressGuard(new TokenVaultOptions(), TimeProvider.System).CreateHandler();
        handler.UseProxy.ShouldBeFalse();
        handler.AllowAutoRedirect.ShouldBeFalse();
        handler.UseCookies.ShouldBeFalse();
        handler.Credentials.ShouldBeNull();
        handler.SslOptions.RemoteCertificateValidationCallback.ShouldBeNull();
    }
}
