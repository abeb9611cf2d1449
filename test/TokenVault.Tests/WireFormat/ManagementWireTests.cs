using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.WireFormat;

/// <summary>The Management API's objects, its three list shapes and its errors, to the letter.</summary>
public sealed class ManagementWireTests(VaultScene scene) : IClassFixture<VaultScene>
{
    [Fact]
    public async Task Objects()
    {
        var admin = await scene.AdminAsync();
        var user = await scene.ConnectedUserAsync();
        var client = await admin.PostAsync("clients", new JsonObject { ["name"] = "Wire", ["app_type"] = "regular_web", ["callbacks"] = new JsonArray(Operator.Callback) });
        var api = await admin.PostAsync("resource-servers", new JsonObject
        {
            ["identifier"] = "https://wire.example/",
            ["name"] = "Wire",
            ["scopes"] = new JsonArray(new JsonObject { ["value"] = "read:wire", ["description"] = "Read" }),
        });
        var grant = await admin.PostAsync("client-grants", new JsonObject
        {
            ["client_id"] = client["client_id"],
            ["audience"] = "https://wire.example/",
            ["scope"] = new JsonArray("read:wire"),
        });
        var connection = await admin.PostAsync("connections", new JsonObject
        {
            ["name"] = "wire",
            ["strategy"] = "oauth2",
            ["options"] = scene.Provider.OAuth2Options("calendar.read"),
            ["connected_accounts"] = new JsonObject { ["active"] = true },
        });
        New().Add("POST clients", client)
            .Add("GET a client", await admin.GetAsync("clients/" + client["client_id"]))
            .Add("POST resource-servers", api)
            .Add("POST client-grants", grant)
            .Add("POST connections", connection)
            .Add("GET a connection", await admin.GetAsync("connections/" + connection["id"]))
            .Add("GET a connection's clients", await admin.GetAsync($"connections/{connection["id"]}/clients"))
            .Add("GET a user", await admin.GetAsync("users/" + Uri.EscapeDataString(user.Id)))
            .Add("GET a user's tokensets", await admin.GetAsync($"users/{Uri.EscapeDataString(user.Id)}/federated-connections-tokensets"))
            .Add("DELETE a client", await admin.DeleteAsync("clients/" + client["client_id"]))
            .Match("management-objects");
    }

    [Theory]
    [InlineData("client-grants", "client_id={client}")]
    [InlineData("connections", "name=calendar&strategy=oidc")]
    [InlineData("resource-servers", "identifiers=https%3A%2F%2Fcalendar-api.example%2F")]
    [InlineData("clients", "app_type=resource_server")]
    public async Task Lists_come_in_three_shapes(string collection, string filter)
    {
        var admin = await scene.AdminAsync();
        var path = $"{collection}?{filter.Replace("{client}", scene.App.Credentials.ClientId, StringComparison.Ordinal)}";
        New().Add("bare", await admin.GetAsync(path))
            .Add("include_totals=true", await admin.GetAsync(path + "&include_totals=true"))
            .Add("page=0&per_page=1&include_totals=true", await admin.GetAsync(path + "&page=0&per_page=1&include_totals=true"))
            .Add("take=1", await admin.GetAsync(path + "&take=1"))
            .Match("management-list-" + collection);
    }

    [Fact]
    public async Task Errors()
    {
        var admin = await scene.AdminAsync();
        var user = await scene.NewUserAsync();
        var taken = new JsonObject { ["identifier"] = VaultScene.Api, ["name"] = "Taken" };
        New().Add("no token", await scene.Vault.Api.SendAsync(HttpMethod.Get, "api/v2/clients"))
            .Add("another API's token", await scene.Vault.Api.SendAsync(HttpMethod.Get, "api/v2/clients", user.AccessToken))
            .Add("too few scopes", await scene.Vault.Api.SendAsync(HttpMethod.Get, "api/v2/clients", await LimitedAsync(admin)))
            .Add("an unknown path", await admin.GetAsync("no-such-thing"))
            .Add("an unknown client", await admin.GetAsync("clients/unknown"))
            .Add("an unknown connection", await admin.GetAsync("connections/con_0000000000000000"))
            .Add("a member missing", await admin.PostAsync("clients", new JsonObject()))
            .Add("a member of the wrong type", await admin.PostAsync("clients", new JsonObject { ["name"] = 1 }))
            .Add("no object", await admin.PostAsync("clients", new JsonArray()))
            .Add("a wrong query", await admin.GetAsync("clients?per_page=many"))
            .Add("an identifier that is taken", await admin.PostAsync("resource-servers", taken))
            .Match("management-errors");
    }

    /// <summary>A token that reads connections and nothing else.</summary>
    private async Task<string> LimitedAsync(Operator admin)
    {
        var client = await admin.CreateAsync("clients", new JsonObject { ["name"] = "Limited", ["app_type"] = "non_interactive" });
        var audience = scene.Vault.Issuer + "api/v2/";
        await admin.CreateAsync("client-grants", new JsonObject { ["client_id"] = client["client_id"]!.DeepClone(), ["audience"] = audience, ["scope"] = new JsonArray("read:connections") });
        var bootstrap = new JsonObject { ["client_id"] = client["client_id"]!.DeepClone(), ["client_secret"] = client["client_secret"]!.DeepClone(), ["audience"] = audience };
        return (await Operator.SignInAsync(scene.Vault.Api, bootstrap)).Token;
    }

    private Golden New() => new((scene.Vault.Issuer, "{issuer}/"), (scene.Provider.Issuer, "{provider}"));
}
