using System.Text.Json.Nodes;
using TokenVault.Cli.Api;
using TokenVault.Cli.Terminal;

namespace TokenVault.Cli.Setup;

/// <summary>What there is at the server, as far as a setup is concerned with it.</summary>
internal sealed record ServerState
{
    public required string Issuer { get; init; }

    /// <summary>Null: it has to be made.</summary>
    public JsonObject? Application { get; init; }

    /// <summary>The public keys of the application; empty where they do not matter.</summary>
    public IReadOnlyList<JsonObject> Credentials { get; init; } = [];

    public IReadOnlyList<JsonObject> Connections { get; init; } = [];

    public required JsonObject MyAccount { get; init; }

    /// <summary>Of the application, for its users.</summary>
    public IReadOnlyList<JsonObject> Grants { get; init; } = [];

    public JsonObject? Api { get; init; }

    public JsonObject? ApiClient { get; init; }

    public string MyAccountAudience => Issuer + "me/";

    public string? ApplicationId => Answer.Text(Application, "client_id");

    public static async Task<ServerState> ReadAsync(ManagementApi api, SetupAnswers answers, CancellationToken cancellationToken)
    {
        var application = await FindApplicationAsync(api, answers, cancellationToken);
        var id = Answer.Text(application, "client_id");
        var worker = answers.Flavor == Flavor.PrivilegedWorker && id is not null;
        return new ServerState
        {
            Issuer = api.Issuer,
            Application = application,
            Credentials = worker ? await CredentialsAsync(api, id!, cancellationToken) : [],
            Connections = await api.ListAsync("connections", "connections", cancellationToken),
            MyAccount = await FindApiAsync(api, api.Issuer + "me/", cancellationToken)
                ?? throw new ToolException(ExitCode.Failed, $"The server has no My Account API, {api.Issuer}me/."),
            Grants = id is null ? [] : await GrantsAsync(api, id, cancellationToken),
            Api = answers.Api is null ? null : await FindApiAsync(api, answers.Api.Identifier, cancellationToken),
            ApiClient = answers.Api is null ? null : await FindApiClientAsync(api, answers.Api, cancellationToken),
        };
    }

    public JsonObject? Connection(string name) => Connections.FirstOrDefault(connection => Answer.Text(connection, "name") == name);

    private static async Task<JsonObject?> FindApplicationAsync(ManagementApi api, SetupAnswers answers, CancellationToken cancellationToken)
    {
        if (answers.ApplicationId is { } id)
        {
            return await api.FindAsync("clients/" + Uri.EscapeDataString(id), cancellationToken) as JsonObject
                ?? throw new ToolException(ExitCode.Usage, $"There is no application with the id {id}.");
        }

        var all = await api.ListAsync("clients", "clients", cancellationToken);
        var named = all.Where(client => Answer.Text(client, "name") == answers.ApplicationName).ToList();
        return named.Count <= 1 ? named.FirstOrDefault() : throw new ToolException(
            ExitCode.Usage, $"There are {named.Count} applications of the name {PlainText.Of(answers.ApplicationName)}.",
            "Say which: --app-setup existing --app-id " + string.Join(" or ", named.Select(client => ShellText.Of(Answer.Text(client, "client_id")))));
    }

    private static async Task<JsonObject?> FindApiAsync(ManagementApi api, string identifier, CancellationToken cancellationToken) =>
        (await api.ListAsync("resource-servers", "resource_servers", cancellationToken, "identifier=" + Uri.EscapeDataString(identifier)))
            .FirstOrDefault(found => Answer.Text(found, "identifier") == identifier);

    /// <summary>The linked one; or one that the original tool made, which does not link it.</summary>
    private static async Task<JsonObject?> FindApiClientAsync(ManagementApi api, ApiAnswers answers, CancellationToken cancellationToken)
    {
        var all = await api.ListAsync("clients", "clients", cancellationToken);
        return all.FirstOrDefault(client => Answer.Text(client, "resource_server_identifier") == answers.Identifier)
            ?? all.FirstOrDefault(client =>
                Answer.Text(client, "name") == answers.ClientName
                && Answer.Text(client, "app_type") == "non_interactive"
                && Wire.Texts(client["grant_types"]).Contains(Wire.Exchange));
    }

    private static async Task<IReadOnlyList<JsonObject>> CredentialsAsync(ManagementApi api, string id, CancellationToken cancellationToken) =>
        (await api.GetAsync($"clients/{Uri.EscapeDataString(id)}/credentials", cancellationToken)) is JsonArray all ? [.. all.OfType<JsonObject>()] : [];

    private static async Task<IReadOnlyList<JsonObject>> GrantsAsync(ManagementApi api, string id, CancellationToken cancellationToken)
    {
        var all = await api.ListAsync("client-grants", "client_grants", cancellationToken, "client_id=" + Uri.EscapeDataString(id));
        return [.. all.Where(grant => Answer.Text(grant, "subject_type") == "user" && Answer.Text(grant, "client_id") == id)];
    }
}
