using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using TokenVault.Server;
using TokenVault.Server.Demo;
using TokenVault.Server.Storage;

namespace TokenVault.Tests.Flows.Attack;

public sealed class ForwardedAddressTests
{
    [Fact]
    public async Task T_PW_05_the_frameworks_switch_for_forwarded_addresses_does_not_make_the_server_believe_strangers()
    {
        var directory = Directory.CreateTempSubdirectory("tokenvault-test-").FullName;
        var issuer = $"https://localhost:{LoopbackHttp.FreePort()}/";
        await using (var server = await TokenVaultServer.StartAsync(["--ForwardedHeaders_Enabled=true"], builder =>
            builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
            {
                ["TokenVault:Issuer"] = issuer,
                ["TokenVault:DataDirectory"] = directory,
            })))
        {
            var bootstrap = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(directory, "bootstrap.json")))!;
            using var api = new VaultApi(issuer, X509Certificate2.CreateFromPem((string)bootstrap["ca_certificate"]!));
            api.Http.DefaultRequestHeaders.Add("X-Forwarded-For", "203.0.113.7");
            await Operator.SignInAsync(api, bootstrap);
            var rows = await server.Services.GetRequiredService<IStorage>().ReadAuditAsync(0, 1000, CancellationToken.None);
            ((string?)JsonNode.Parse(rows[^1].Body)!["ip"]).ShouldBeOneOf("127.0.0.1", "::1", "::ffff:127.0.0.1");
        }

        Directory.Delete(directory, recursive: true);
    }
}
