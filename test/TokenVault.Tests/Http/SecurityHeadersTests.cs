using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using TokenVault.Server.Http;

namespace TokenVault.Tests.Http;

public sealed class SecurityHeadersTests
{
    [Theory]
    [InlineData("https", "vault.example", true)]
    [InlineData("http", "vault.example", false)]
    [InlineData("https", "localhost", false)]
    public async Task Browsers_are_held_to_https_but_not_for_every_other_server_on_localhost(string scheme, string host, bool held)
    {
        await using var services = new ServiceCollection().BuildServiceProvider();
        var app = new ApplicationBuilder(services);
        app.UseSecurityHeaders();
        app.Run(_ => Task.CompletedTask);
        var context = new DefaultHttpContext { Request = { Scheme = scheme, Host = new HostString(host) } };

        await app.Build()(context);

        context.Response.Headers.ContainsKey("Strict-Transport-Security").ShouldBe(held);
    }
}
