using System.Text.Json.Nodes;

namespace TokenVault.Cli.Api;

/// <summary><c>/me/v1</c> of one server, as one person: what they have connected.</summary>
internal sealed class MyAccountApi(VaultHttp http, string token) : IDisposable
{
    private const string Path = "me/v1/connected-accounts/accounts";

    public async Task<IReadOnlyList<JsonObject>> AccountsAsync(CancellationToken cancellationToken)
    {
        var all = new List<JsonObject>();
        for (var from = ""; ;)
        {
            var answer = await SendAsync(HttpMethod.Get, $"{Path}?take=20{from}", cancellationToken);
            all.AddRange((answer.Json?["accounts"] as JsonArray ?? []).OfType<JsonObject>());
            if (answer["next"] is not { Length: > 0 } next)
            {
                return all;
            }

            from = "&from=" + Uri.EscapeDataString(next);
        }
    }

    public Task DisconnectAsync(string id, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Delete, $"{Path}/{Uri.EscapeDataString(id)}", cancellationToken);

    public void Dispose() => http.Dispose();

    private async Task<Answer> SendAsync(HttpMethod method, string path, CancellationToken cancellationToken)
    {
        var answer = await http.JsonAsync(method, path, token, body: null, cancellationToken);
        return answer.Succeeded ? answer
            : answer.Status == 401 ? throw new ToolException(ExitCode.NotAllowed, $"The login at {http.Issuer} has ended or was taken back.", "Log in again: tokenvault login --device --my-account")
            : throw new ToolException(ExitCode.Failed, $"The server refused it: {answer.Status} {answer["title"]} {answer["detail"]}");
    }
}
