using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;

namespace TokenVault.Cli.Tests.Running;

/// <summary>The calls of the original setup tool for the flavour access_token_exchange, in its order (SetupToolTests of the server has those of the others).</summary>
internal sealed class OriginalTool(Operator admin, string issuer)
{
    private string Me => issuer + "me/";

    /// <returns>The application's client id.</returns>
    public async Task<string> RunAsync(string name, string connectionId, string api, string apiClient)
    {
        var app = (string)(await admin.CreateAsync("clients", new JsonObject
        {
            ["name"] = name,
            ["app_type"] = "regular_web",
            ["callbacks"] = new JsonArray(Operator.Callback),
            ["allowed_logout_urls"] = new JsonArray("https://app.example/"),
            ["oidc_conformant"] = true,
            ["jwt_configuration"] = new JsonObject { ["alg"] = "RS256" },
            ["grant_types"] = new JsonArray("authorization_code", "implicit", "refresh_token", "client_credentials"),
        }))["client_id"]!;
        await PatchAsync("clients/" + app, new JsonObject
        {
            ["is_first_party"] = true,
            ["oidc_conformant"] = true,
            ["grant_types"] = new JsonArray("authorization_code", "implicit", "refresh_token", "client_credentials", Wire.FederatedExchange),
        });
        await EnableAsync(connectionId, app);
        await OpenMyAccountAsync();
        await admin.CreateAsync("client-grants", new JsonObject { ["client_id"] = app, ["audience"] = Me, ["scope"] = Scopes(), ["subject_type"] = "user" });
        var settings = (await admin.GetAsync("clients/" + app)).Json["refresh_token"]!.DeepClone();
        settings["policies"]!.AsArray().Add((JsonNode)new JsonObject { ["audience"] = Me, ["scope"] = Scopes() });
        await PatchAsync("clients/" + app, new JsonObject { ["refresh_token"] = settings });
        await MakeApiAsync(api, apiClient);
        return app;
    }

    private async Task EnableAsync(string connectionId, string app)
    {
        var connection = (await admin.GetAsync("connections")).Json.AsArray().Single(connection => (string)connection!["id"]! == connectionId)!;
        var options = connection["options"]!.DeepClone();
        options["connected_accounts"] = new JsonObject { ["active"] = true };
        await PatchAsync("connections/" + connectionId, new JsonObject { ["options"] = options });
        var clients = connection["enabled_clients"]!.DeepClone().AsArray();
        clients.Add((JsonNode)app);
        await PatchAsync("connections/" + connectionId, new JsonObject { ["enabled_clients"] = clients });
    }

    private async Task OpenMyAccountAsync()
    {
        var api = (await admin.GetAsync("resource-servers?identifier=" + Uri.EscapeDataString(Me))).Json.AsArray().ShouldHaveSingleItem()!;
        await PatchAsync("resource-servers/" + api["id"], new JsonObject
        {
            ["scopes"] = api["scopes"]!.DeepClone(),
            ["subject_type_authorization"] = new JsonObject { ["user"] = new JsonObject { ["policy"] = "require_client_grant" } },
        });
    }

    private async Task MakeApiAsync(string api, string apiClient)
    {
        await admin.CreateAsync("resource-servers", new JsonObject { ["identifier"] = api, ["name"] = api, ["signing_alg"] = "RS256", ["allow_offline_access"] = true });
        var client = await admin.CreateAsync("clients", new JsonObject
        {
            ["name"] = apiClient,
            ["app_type"] = "non_interactive",
            ["grant_types"] = new JsonArray("client_credentials"),
        });
        await PatchAsync("clients/" + client["client_id"], new JsonObject
        {
            ["is_first_party"] = true,
            ["oidc_conformant"] = true,
            ["grant_types"] = new JsonArray("client_credentials", Wire.FederatedExchange),
        });
    }

    private static JsonArray Scopes() => new(Wire.CreateConnectedAccounts, Wire.ReadConnectedAccounts, Wire.DeleteConnectedAccounts);

    private async Task PatchAsync(string path, JsonObject body) => (await admin.PatchAsync(path, body)).Status.ShouldBe(200);
}
