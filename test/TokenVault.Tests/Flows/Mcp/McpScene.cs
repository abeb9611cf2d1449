using System.Text.Json.Nodes;
using ModelContextProtocol.Authentication;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Flows.Mcp;

/// <summary>A server that is an MCP server too, and lets agents call one provider's API.</summary>
public sealed class McpScene : VaultScene
{
    internal static string[] Scopes { get; } = [Wire.ReadConnectedAccounts, Wire.CreateConnectedAccounts, Wire.UseConnectedAccounts];

    internal ProviderApi Api1 { get; private set; } = null!;

    internal string Resource => Vault.Issuer + "mcp";

    private protected override IReadOnlyDictionary<string, string?> Settings => new Dictionary<string, string?>
    {
        ["TokenVault:Mcp:Enabled"] = "true",
        ["TokenVault:Mcp:Calls:0:Connection"] = Calendar,
        ["TokenVault:Mcp:Calls:0:BaseUrls:0"] = Api1.Origin + "/v1/",
        ["TokenVault:Mcp:Calls:0:BaseUrls:1"] = "https://169.254.169.254/",
        ["TokenVault:Approvals:RequestsPerMinute"] = "0",
    };

    public override async Task InitializeAsync()
    {
        Api1 = await ProviderApi.StartAsync();
        await base.InitializeAsync();
        await GrantAsync(App, Scopes);
    }

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        await Api1.DisposeAsync();
    }

    internal async Task GrantAsync(Application application, params string[] scopes) =>
        await (await AdminAsync()).CreateAsync("client-grants", new JsonObject
        {
            ["client_id"] = application.Credentials.ClientId,
            ["audience"] = Resource,
            ["scope"] = new JsonArray([.. scopes.Select(scope => (JsonNode?)scope)]),
            ["subject_type"] = "user",
        });

    internal async Task<Application> NewApplicationAsync(JsonObject more, params string[] scopes)
    {
        var application = new Application(Vault.Api, await (await AdminAsync()).CreateApplicationAsync("Agent", more));
        var id = (string)(await (await AdminAsync()).GetAsync("connections?name=" + Calendar)).Json[0]!["id"]!;
        var enabled = new JsonArray(new JsonObject { ["client_id"] = application.Credentials.ClientId, ["status"] = true });
        (await (await AdminAsync()).PatchAsync($"connections/{id}/clients", enabled)).Status.ShouldBe(204);
        await GrantAsync(application, scopes);
        return application;
    }

    /// <summary>A user's token for the MCP server: asked for as MCP clients do, by <c>resource</c> (RFC 8707).</summary>
    internal static async Task<string> TokenAsync(TestUser user, string resource, params string[] scopes)
    {
        var wanted = string.Join(' ', (string[])["openid", .. scopes.Length == 0 ? Scopes : scopes]);
        var (visit, verifier) = await user.Application.AuthorizeAsync(
            user.Browser, user.Email, user.Password, audience: null, wanted, new Dictionary<string, string> { ["resource"] = resource });
        var answer = await user.Application.RedeemAsync(visit["code"] ?? throw new InvalidOperationException(visit.Url + visit.Html), verifier);
        answer.Status.ShouldBe(200, answer.Text);
        return answer["access_token"]!;
    }

    internal async Task<McpClient> ClientAsync(TestUser user, McpClientOptions? options = null) =>
        await ClientAsync(await TokenAsync(user, Resource), options);

    /// <param name="options">Null: the newest revision of the protocol, without elicitation.</param>
    /// <param name="oauth">In the place of a token: the client gets one itself.</param>
    internal async Task<McpClient> ClientAsync(string? token, McpClientOptions? options = null, ClientOAuthOptions? oauth = null)
    {
        var transport = new HttpClientTransport(
            new HttpClientTransportOptions
            {
                Endpoint = new Uri(Resource),
                TransportMode = HttpTransportMode.StreamableHttp,
                AdditionalHeaders = token is null ? null : new Dictionary<string, string> { ["Authorization"] = "Bearer " + token },
                OAuth = oauth,
            },
            LoopbackHttp.Client(Vault.Api.Trusted),
            ownsHttpClient: true);
        return await McpClient.CreateAsync(transport, options);
    }

    /// <summary>What the model is told: the tool's JSON.</summary>
    internal static async Task<(bool Failed, JsonNode Json)> CallAsync(McpClient client, string tool, object? arguments = null)
    {
        var given = arguments?.GetType().GetProperties().ToDictionary(property => property.Name, property => property.GetValue(arguments));
        var result = await client.CallToolAsync(tool, given);
        return (result.IsError == true, JsonNode.Parse(result.Content.ShouldHaveSingleItem().ShouldBeOfType<TextContentBlock>().Text)!);
    }
}
