using System.Globalization;
using System.Text.Json.Nodes;
using TokenVault.Cli.Api;
using TokenVault.Cli.Setup;
using TokenVault.Cli.Terminal;

namespace TokenVault.Cli.Examination;

/// <summary>Looks at a connection and, through the server, at its provider: whether it is within reach, and what the log says of the last exchange.</summary>
internal sealed class ConnectionExamination(ManagementApi api)
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
            return [new Finding(Verdict.Doubtful, name, "is enabled for no application", $"tokenvault setup --connections {ShellText.Of(Answer.Text(connection, "name"))}")];
        }

        var reached = await ReachAsync(connection, name, callback, cancellationToken);
        return await LastExchangeAsync(connection, name, cancellationToken) is { } seen ? [.. reached, seen] : reached;
    }

    /// <summary>The server looks: it is the one that has to get there.</summary>
    private async Task<IReadOnlyList<Finding>> ReachAsync(JsonObject connection, string name, string callback, CancellationToken cancellationToken)
    {
        JsonNode? seen;
        try
        {
            var id = Uri.EscapeDataString(Answer.Text(connection, "id") ?? "");
            seen = (await api.SendAsync(HttpMethod.Post, $"connections/{id}/check", body: null, cancellationToken)).Json;
        }
        catch (ToolException e)
        {
            return [new Finding(Verdict.Doubtful, name, "the server did not look whether it reaches the provider. " + e.Message, e.Advice)];
        }

        var urls = (seen?["urls"] as JsonArray ?? []).OfType<JsonObject>().ToList();
        var amiss = urls.Where(url => Answer.Text(url, "problem") is not null).GroupBy(url => Answer.Text(url, "problem")!, StringComparer.Ordinal).ToList();
        return amiss.Count > 0
            ? [.. amiss.Select(problem => Unreached(name, Answer.Text(connection, "id"), problem.Key, [.. problem]))]
            : [new Finding(Verdict.Good, name, string.Create(CultureInfo.InvariantCulture, $"the server reaches its provider ({urls.Count} addresses); redirect URI {callback}"))];
    }

    private static Finding Unreached(string name, string? id, string problem, IReadOnlyList<JsonObject> urls)
    {
        // Users' browsers go there, and the server does not.
        var verdict = urls.All(url => Answer.Text(url, "name") == "authorization_endpoint") ? Verdict.Doubtful : Verdict.Bad;
        var places = urls.Select(url => Answer.Text(url, "url") is { } address ? $"{Answer.Text(url, "name")} {address}" : Answer.Text(url, "name"));
        return new Finding(verdict, name, $"the server does not reach {string.Join(", ", places)}: {problem}. {Answer.Text(urls[0], "detail")}", Advice(problem, id));
    }

    private static string Advice(string problem, string? id) => problem switch
    {
        "dns" => "Check the host's name in the connection's options, and the name servers of the machine that the server runs on.",
        "refused" or "timeout" => "Check the address and the port, and the server's way out: a firewall may be in between.",
        "tls" => "Its certificate is not trusted by the server. An authority of your own: TokenVault__Egress__CertificateAuthorityFile",
        "egress" => "The server calls public addresses only. If this one is to be reached: TokenVault__Egress__AllowedNetworks__0",
        "status" => "The provider is in trouble, or the address is another one: look again later, and check the connection's options.",
        "metadata" => "Check the connection's discovery_url and issuer.",
        "configuration" => $"Complete it: tokenvault connections update {ShellText.Of(id)}",
        _ => "Check the address and the port: what answers there does not speak HTTP as it should.",
    };

    /// <summary>The server's last exchange at the provider, where it did not get through; null when it did, or none is known.</summary>
    private async Task<Finding?> LastExchangeAsync(JsonObject connection, string name, CancellationToken cancellationToken)
    {
        var query = Uri.EscapeDataString($"connection:\"{Answer.Text(connection, "name")}\"");
        var entries = await api.GetAsync($"logs?sort=date:-1&page=0&per_page={LookedBack}&q={query}", cancellationToken) as JsonArray ?? [];
        var last = entries.OfType<JsonObject>().FirstOrDefault(entry => Answer.Text(entry, "type") is "seta" or "feta");
        return Answer.Text(last?["details"], "failure_reason") != "temporarily_unavailable" ? null : new Finding(
            Verdict.Doubtful, name, $"the server did not get a token there at {Answer.Text(last, "date")}: {Answer.Text(last, "description")}",
            $"Look from where the server runs: its way out, the allowed networks, the connection's client id and secret. tokenvault logs tail --filter {ShellText.Of($"type:feta AND connection:\"{Answer.Text(connection, "name")}\"")}");
    }
}
