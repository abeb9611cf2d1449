using System.Text.Json.Nodes;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Demo;

/// <summary>Sets a server up through the Management API, the way an operator's script does.</summary>
internal sealed class Operator(VaultApi vault, string token)
{
    public const string Callback = "https://app.example/callback";

    public static async Task<Operator> SignInAsync(VaultApi vault, JsonNode bootstrap)
    {
        var answer = await vault.SendAsync(HttpMethod.Post, "oauth/token", body: new JsonObject
        {
            ["grant_type"] = Wire.ClientCredentials,
            ["client_id"] = bootstrap["client_id"]!.DeepClone(),
            ["client_secret"] = bootstrap["client_secret"]!.DeepClone(),
            ["audience"] = bootstrap["audience"]!.DeepClone(),
        });
        return new Operator(vault, answer["access_token"] ?? throw new InvalidOperationException("No management token: " + answer["error"]));
    }

    public string Token { get; } = token;

    public Task<Answer> GetAsync(string path) => vault.SendAsync(HttpMethod.Get, "api/v2/" + path, Token);

    public Task<Answer> PostAsync(string path, JsonNode body) => vault.SendAsync(HttpMethod.Post, "api/v2/" + path, Token, body);

    public Task<Answer> PatchAsync(string path, JsonNode body) => vault.SendAsync(HttpMethod.Patch, "api/v2/" + path, Token, body);

    public Task<Answer> DeleteAsync(string path) => vault.SendAsync(HttpMethod.Delete, "api/v2/" + path, Token);

    /// <exception cref="InvalidOperationException">The server refused.</exception>
    public async Task<JsonNode> CreateAsync(string collection, JsonNode body)
    {
        var answer = await PostAsync(collection, body);
        return answer.Status == 201 ? answer.Json : throw new InvalidOperationException($"POST {collection}: {answer.Status} {answer["message"]}");
    }

    /// <summary>A web application that signs users in, connects their accounts and exchanges its refresh token.</summary>
    public async Task<Credentials> CreateApplicationAsync(string name, JsonObject? more = null)
    {
        var body = new JsonObject
        {
            ["name"] = name,
            ["app_type"] = "regular_web",
            ["is_first_party"] = true,
            ["oidc_conformant"] = true,
            ["callbacks"] = new JsonArray(Callback),
            ["allowed_logout_urls"] = new JsonArray("https://app.example/"),
            ["grant_types"] = new JsonArray(Wire.AuthorizationCode, Wire.RefreshToken, Wire.FederatedExchange),
            ["refresh_token"] = new JsonObject
            {
                ["rotation_type"] = "non-rotating",
                ["expiration_type"] = "non-expiring",
                ["policies"] = new JsonArray(new JsonObject { ["audience"] = vault.Issuer + "me/", ["scope"] = ConnectedAccountScopes() }),
            },
        };
        foreach (var (member, value) in more ?? [])
        {
            body[member] = value?.DeepClone();
        }

        var client = await CreateAsync("clients", body);
        var credentials = Credentials.Of(client);
        await CreateAsync("client-grants", new JsonObject
        {
            ["client_id"] = credentials.ClientId,
            ["audience"] = vault.Issuer + "me/",
            ["scope"] = ConnectedAccountScopes(),
            ["subject_type"] = "user",
        });
        return credentials;
    }

    /// <summary>An API, and the client by which it exchanges the access tokens it receives.</summary>
    public async Task<Credentials> CreateApiAsync(string identifier)
    {
        await CreateAsync("resource-servers", new JsonObject
        {
            ["identifier"] = identifier,
            ["name"] = "Demo API",
            ["allow_offline_access"] = true,
            ["scopes"] = new JsonArray(new JsonObject { ["value"] = "read:calendar", ["description"] = "Read the calendar" }),
        });
        return Credentials.Of(await CreateAsync("clients", new JsonObject
        {
            ["name"] = "Demo API client",
            ["app_type"] = "resource_server",
            ["resource_server_identifier"] = identifier,
            ["grant_types"] = new JsonArray(Wire.FederatedExchange),
        }));
    }

    /// <summary>A provider, enabled for these clients.</summary>
    public async Task<JsonNode> CreateConnectionAsync(string name, string strategy, JsonObject options, params IEnumerable<Credentials> clients)
    {
        var connection = await CreateAsync("connections", new JsonObject
        {
            ["name"] = name,
            ["strategy"] = strategy,
            ["options"] = options,
            ["connected_accounts"] = new JsonObject { ["active"] = true },
        });
        var enabled = new JsonArray([.. clients.Select(client => new JsonObject { ["client_id"] = client.ClientId, ["status"] = true })]);
        var answer = await PatchAsync($"connections/{connection["id"]}/clients", enabled);
        return answer.Status == 204 ? connection : throw new InvalidOperationException($"PATCH connections/…/clients: {answer.Status} {answer.Text}");
    }

    public async Task<string> CreateUserAsync(string email, string password)
    {
        var user = await CreateAsync("users", new JsonObject { ["connection"] = Wire.DatabaseConnection, ["email"] = email, ["password"] = password });
        return user["user_id"]!.GetValue<string>();
    }

    private static JsonArray ConnectedAccountScopes() => new(Wire.CreateConnectedAccounts, Wire.ReadConnectedAccounts, Wire.DeleteConnectedAccounts);
}

/// <summary>A client's id and secret.</summary>
internal sealed record Credentials(string ClientId, string ClientSecret)
{
    public static Credentials Of(JsonNode client) => new(client["client_id"]!.GetValue<string>(), client["client_secret"]?.GetValue<string>() ?? "");

    public override string ToString() => ClientId;
}
