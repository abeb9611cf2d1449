using System.Globalization;
using System.Text.Json.Nodes;
using TokenVault.Cli.Api;
using TokenVault.Cli.Setup;

namespace TokenVault.Cli.Examination;

/// <summary>Looks at a connection and its provider: from here, and by what the server's log says of its own way there.</summary>
internal sealed class ConnectionExamination(ManagementApi api, HttpClient outside)
{
    private const int LookedBack = 50;

    public async Task<IReadOnlyList<Finding>> RunAsync(JsonObject connection, CancellationToken cancellationToken)
    {
        var name = "connection " + Answer.Text(connection, "name");
        var callback = Answer.Text(connection, "callback_url");
        if (callback?.StartsWith(api.Issuer, StringComparison.Ordinal) != true)
        {
            return [new Finding(Verdict.Bad, name, $"its redirect URI, {callback}, is not at this server", "The server's issuer is another one than when it was made: look at TokenVault__Issuer.")];
        }

        if (Wire.Texts(connection["enabled_clients"]).Count == 0)
        {
            return [new Finding(Verdict.Doubtful, name, "is enabled for no application", $"tokenvault setup --connections {Answer.Text(connection, "name")}")];
        }

        var fromHere = await FromHereAsync(connection, name, callback, cancellationToken);
        return await FromTheServerAsync(connection, name, cancellationToken) is { } seen ? [fromHere, seen] : [fromHere];
    }

    /// <summary>From here, which need not be how the server sees it; but an address that is wrong is wrong everywhere.</summary>
    private async Task<Finding> FromHereAsync(JsonObject connection, string name, string callback, CancellationToken cancellationToken)
    {
        var discovery = Answer.Text(connection["options"], "discovery_url");
        var address = discovery ?? Answer.Text(connection["options"], "authorizationURL");
        if (address is null || !Uri.TryCreate(address, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
        {
            return new Finding(Verdict.Good, name, $"redirect URI {callback}; the provider's addresses are the server's own");
        }

        try
        {
            using var response = await outside.GetAsync(uri, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            var local = uri.IsLoopback ? "; it is on this machine, which the server must be told to allow (TokenVault__Egress__AllowedNetworks)" : "";
            return discovery is null || response.IsSuccessStatusCode
                ? new Finding(Verdict.Good, name, $"{uri.Host} answers{local}; redirect URI {callback}")
                : new Finding(Verdict.Bad, name, string.Create(CultureInfo.InvariantCulture, $"{uri} answers with status {(int)response.StatusCode}"), "Check the connection's discovery_url.");
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException && !cancellationToken.IsCancellationRequested)
        {
            return new Finding(Verdict.Bad, name, $"{uri.Host} cannot be reached from here: {e.Message}", "Check the connection's addresses; behind a firewall, look from where the server runs.");
        }
    }

    /// <summary>The server's last exchange at the provider, where it did not get through; null when it did, or none is known.</summary>
    private async Task<Finding?> FromTheServerAsync(JsonObject connection, string name, CancellationToken cancellationToken)
    {
        var query = Uri.EscapeDataString($"connection:\"{Answer.Text(connection, "name")}\"");
        var entries = await api.GetAsync($"logs?sort=date:-1&page=0&per_page={LookedBack}&q={query}", cancellationToken) as JsonArray ?? [];
        var last = entries.OfType<JsonObject>().FirstOrDefault(entry => Answer.Text(entry, "type") is "seta" or "feta");
        return Answer.Text(last?["details"], "failure_reason") != "temporarily_unavailable" ? null : new Finding(
            Verdict.Doubtful, name, $"the server did not get a token there at {Answer.Text(last, "date")}: {Answer.Text(last, "description")}",
            $"Look from where the server runs: its way out, the allowed networks, the connection's client id and secret. tokenvault logs tail --filter 'type:feta AND connection:\"{Answer.Text(connection, "name")}\"'");
    }
}
