using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using TokenVault.Server.Demo;
using TokenVault.Testing;

namespace TokenVault.Cli.Tests.Running;

/// <summary>One server and one provider for the tests of a class. The server's clock is the machine's: the tool signs by that one.</summary>
public sealed class VaultFixture : IAsyncLifetime
{
    internal const string Email = "ann@users.example";
    internal const string Password = "correct horse battery staple";

    internal TestVault Vault { get; private set; } = null!;

    internal FakeProvider Provider { get; private set; } = null!;

    internal Operator Operator { get; private set; } = null!;

    internal string UserId { get; private set; } = "";

    internal string Domain => new Uri(Vault.Issuer).Authority;

    internal string BootstrapFile => Path.Combine(Vault.DataDirectory, "bootstrap.json");

    internal string AuthorityFile => Path.Combine(Vault.DataDirectory, "tls", "ca.pem");

    internal string ClientId => (string)Vault.Bootstrap["client_id"]!;

    internal string ClientSecret => (string)Vault.Bootstrap["client_secret"]!;

    public async Task InitializeAsync()
    {
        Vault = await TestVault.StartAsync(services: services => services.AddSingleton(TimeProvider.System));
        Provider = await FakeProvider.StartAsync();
        Operator = await Operator.SignInAsync(Vault.Api, Vault.Bootstrap);
        UserId = await Operator.CreateUserAsync(Email, Password);
    }

    public async Task DisposeAsync()
    {
        await Provider.DisposeAsync();
        await Vault.DisposeAsync();
    }

    /// <summary>A token of the Management API with these scopes only.</summary>
    internal async Task<(string ClientId, string Secret)> NarrowClientAsync(params string[] scopes)
    {
        var client = await Operator.CreateAsync("clients", new JsonObject { ["name"] = "narrow", ["app_type"] = "non_interactive" });
        await Operator.CreateAsync("client-grants", new JsonObject
        {
            ["client_id"] = client["client_id"]!.DeepClone(),
            ["audience"] = Vault.Issuer + "api/v2/",
            ["scope"] = new JsonArray([.. scopes]),
        });
        return ((string)client["client_id"]!, (string)client["client_secret"]!);
    }
}
