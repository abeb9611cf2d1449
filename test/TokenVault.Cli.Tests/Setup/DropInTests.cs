using System.Text.Json.Nodes;
using TokenVault.Cli.Tests.Running;
using TokenVault.Server.Demo;
using TokenVault.Testing;

namespace TokenVault.Cli.Tests.Setup;

/// <summary>What the original tool makes at one server, and <c>tokenvault setup</c> at another.</summary>
public sealed class DropInTests(VaultFixture fixture) : IClassFixture<VaultFixture>
{
    private const string Name = "drop-in";
    private const string Api = "https://drop-in.example";
    private const string ApiClient = "Drop-in API Client";

    /// <summary>Each server's own, and no configuration.</summary>
    private static readonly string[] Own = ["id", "client_id", "signing_keys", "signing_secret", "created_at", "updated_at", "client_secret"];

    [Fact]
    public async Task Both_make_the_same_but_for_the_differences_that_are_documented_and_one_after_the_other_leaves_the_link_to_do()
    {
        await using var other = await VaultFixture.StartVaultAsync();
        var admin = await Operator.SignInAsync(other.Api, other.Bootstrap);
        var connections = (Theirs: await ConnectionAsync(fixture.Operator), Ours: await ConnectionAsync(admin));
        var app = await new OriginalTool(fixture.Operator, fixture.Vault.Issuer).RunAsync(Name, connections.Theirs, Api, ApiClient);
        var theirs = await ConfigurationAsync(fixture.Operator, fixture.Vault);

        using var desk = await Desk.LoggedInAsync(other);
        (await desk.RunAsync([.. Setup(desk), "--app-name", Name, "--app-type", "regular", "--callback-urls", Operator.Callback, "--logout-urls", "https://app.example/"])).Succeeded();
        var ours = await ConfigurationAsync(admin, other);

        Differences(theirs, ours).ShouldBe(Documented(), ignoreOrder: true);

        // And where the original one has been, ours finds only what it left out.
        using var second = await Desk.LoggedInAsync(fixture.Vault);
        var run = (await second.RunAsync([.. Setup(second), "--app-id", app, "--json"])).Succeeded();
        run.Json["changes"]!.AsArray().Select(change => (string)change!["title"]!).ShouldBe([$"Link the client {ApiClient} to the API {Api}", $"Enable the connection {Name}"]);
        (await second.RunAsync([.. Setup(second), "--app-id", app, "--plan"])).ExitCode.ShouldBe(0);
    }

    private static string[] Setup(Desk desk) =>
    [
        "setup", "--flavor", "access_token_exchange", "--connections", Name, "--create-api-client", "--api-identifier", Api, "--api-client-name", ApiClient,
        "--out", desk.Out,
    ];

    private static async Task<string> ConnectionAsync(Operator admin) => (string)(await admin.CreateAsync("connections", new JsonObject
    {
        ["name"] = Name,
        ["strategy"] = "google-oauth2",
        ["options"] = new JsonObject { ["client_id"] = "x", ["client_secret"] = "y" },
    }))["id"]!;

    /// <summary>Everything that a setup touches, member by member, as <c>application.grant_types</c>; ids are replaced by what they are of.</summary>
    private static async Task<SortedDictionary<string, string>> ConfigurationAsync(Operator admin, TestVault vault)
    {
        var clients = (await admin.GetAsync("clients?per_page=100")).Json.AsArray();
        var app = clients.Single(client => (string)client!["name"]! == Name)!;
        var apiClient = clients.Single(client => (string)client!["name"]! == ApiClient)!;
        var id = (string)app["client_id"]!;
        var nouns = new (string Noun, JsonNode Item)[]
        {
            ("application", app),
            ("API client", apiClient),
            ("connection", (await admin.GetAsync("connections?name=" + Name)).Json[0]!),
            ("API", (await admin.GetAsync("resource-servers?identifier=" + Uri.EscapeDataString(Api))).Json[0]!),
            ("My Account API", (await admin.GetAsync("resource-servers?identifier=" + Uri.EscapeDataString(vault.Issuer + "me/"))).Json[0]!),
            ("grants", new JsonObject { ["of the application"] = (await admin.GetAsync("client-grants?client_id=" + id)).Json.DeepClone() }),
        };
        var all = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (noun, item) in nouns)
        {
            foreach (var (member, value) in item.AsObject().Where(member => !Own.Contains(member.Key)))
            {
                all[$"{noun}.{member}"] = (Canonical(value)?.ToJsonString() ?? "null")
                    .Replace(id, "{application}", StringComparison.Ordinal)
                    .Replace((string)apiClient["client_id"]!, "{API client}", StringComparison.Ordinal)
                    .Replace(vault.Issuer, "{issuer}", StringComparison.Ordinal);
            }
        }

        return all;
    }

    private static JsonNode? Canonical(JsonNode? node) => node switch
    {
        JsonObject members => new JsonObject(members.Where(member => !Own.Contains(member.Key) || member.Key == "client_id")
            .OrderBy(member => member.Key, StringComparer.Ordinal).Select(member => KeyValuePair.Create(member.Key, Canonical(member.Value)))),
        JsonArray items => new JsonArray([.. items.Select(Canonical).OrderBy(item => item?.ToJsonString(), StringComparer.Ordinal)]),
        _ => node?.DeepClone(),
    };

    private static List<string> Differences(SortedDictionary<string, string> theirs, SortedDictionary<string, string> ours) =>
        [.. theirs.Keys.Union(ours.Keys, StringComparer.Ordinal).Where(member => theirs.GetValueOrDefault(member) != ours.GetValueOrDefault(member))];

    /// <summary>The table of docs/compatibility.md whose first column is headed Member.</summary>
    private static List<string> Documented() =>
    [
        .. Docs.Lines("compatibility.md")
            .SkipWhile(line => !line.StartsWith("| Member | The original", StringComparison.Ordinal))
            .Skip(2)
            .TakeWhile(line => line.StartsWith('|'))
            .Select(line => line.Split('|')[1].Trim().Trim('`')),
    ];
}
