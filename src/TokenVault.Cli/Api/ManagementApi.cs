using System.Text.Json.Nodes;
using TokenVault.Cli.Terminal;

namespace TokenVault.Cli.Api;

/// <summary><c>/api/v2</c> of one server, as one client. What the server refuses is said in words.</summary>
internal sealed class ManagementApi(VaultHttp http, string token) : IDisposable
{
    private const string ScopePrefix = "Insufficient scope, expected any of: ";
    private const int MostAttempts = 4;
    private const int PageSize = 100;
    private const int TakeSize = 50;

    public VaultHttp Http { get; } = http;

    public string Issuer => Http.Issuer;

    /// <summary>What is at the path.</summary>
    public async Task<JsonNode> GetAsync(string path, CancellationToken cancellationToken) =>
        (await SendAsync(HttpMethod.Get, path, body: null, cancellationToken)).Json ?? throw Broken(path);

    /// <summary>What is at the path; null when it is not there.</summary>
    public async Task<JsonNode?> FindAsync(string path, CancellationToken cancellationToken)
    {
        var answer = await TryAsync(HttpMethod.Get, path, body: null, cancellationToken);
        return answer.Status == 404 ? null : Checked(answer, HttpMethod.Get, path).Json ?? throw Broken(path);
    }

    /// <summary>All of a collection, page by page.</summary>
    /// <param name="query">Filters, without the question mark.</param>
    public async Task<IReadOnlyList<JsonObject>> ListAsync(string collection, string member, CancellationToken cancellationToken, string query = "")
    {
        var all = new List<JsonObject>();
        for (var page = 0; ; page++)
        {
            var json = await GetAsync($"{collection}?include_totals=true&per_page={PageSize}&page={page}{(query.Length > 0 ? "&" + query : "")}", cancellationToken);
            var items = (json[member] as JsonArray ?? throw Broken(collection)).OfType<JsonObject>().ToList();
            all.AddRange(items);
            if (items.Count < PageSize)
            {
                return all;
            }
        }
    }

    /// <summary>All of a collection that is handed out from a place on (<c>from</c>, <c>take</c>), or whole, as a bare array.</summary>
    public async Task<IReadOnlyList<JsonObject>> FollowAsync(string path, string? member, CancellationToken cancellationToken)
    {
        var all = new List<JsonObject>();
        var from = "";
        while (true)
        {
            var json = await GetAsync(member is null ? path : $"{path}?take={TakeSize}{from}", cancellationToken);
            all.AddRange(((member is null ? json : json[member]) as JsonArray ?? throw Broken(path)).OfType<JsonObject>());
            if (member is null || Answer.Text(json, "next") is not { Length: > 0 } next)
            {
                return all;
            }

            from = "&from=" + Uri.EscapeDataString(next);
        }
    }

    public async Task<Answer> SendAsync(HttpMethod method, string path, JsonNode? body, CancellationToken cancellationToken) =>
        Checked(await TryAsync(method, path, body, cancellationToken), method, path);

    public void Dispose() => Http.Dispose();

    /// <summary>Waits when the server asks for it, which it does before it has done anything.</summary>
    private async Task<Answer> TryAsync(HttpMethod method, string path, JsonNode? body, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            var answer = await Http.JsonAsync(method, "api/v2/" + path, token, body, cancellationToken);
            if (answer.Status != 429 || attempt == MostAttempts)
            {
                return answer;
            }

            await Task.Delay(answer.Headers.RetryAfter?.Delta ?? TimeSpan.FromSeconds(1), TimeProvider.System, cancellationToken);
        }
    }

    private Answer Checked(Answer answer, HttpMethod method, string path)
    {
        if (answer.Succeeded)
        {
            return answer;
        }

        var message = PlainText.Of(answer["message"]);
        if (answer.Status == 401)
        {
            throw new ToolException(ExitCode.NotAllowed, $"The login at {Issuer} has ended or was taken back.", "Log in again: tokenvault login");
        }

        if (answer.Status == 403 && message.StartsWith(ScopePrefix, StringComparison.Ordinal))
        {
            var scopes = message[ScopePrefix.Length..].Replace(",", " or ", StringComparison.Ordinal);
            throw new ToolException(
                ExitCode.NotAllowed, $"Missing scope: {scopes} (for {method} {PlainText.Of(path)})",
                "Have the scope added to the client's grant for the Management API, and log in again; or log in as another client.");
        }

        throw new ToolException(ExitCode.Failed, $"The server refused {method} {PlainText.Of(path)}: {answer.Status} {message}");
    }

    private ToolException Broken(string path) => new(ExitCode.Failed, $"{Issuer} answered {PlainText.Of(path)} with something else than expected.");
}
