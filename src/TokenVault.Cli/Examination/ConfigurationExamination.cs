using System.Globalization;
using System.Text.Json.Nodes;
using TokenVault.Cli.Api;
using TokenVault.Cli.Setup;

namespace TokenVault.Cli.Examination;

/// <summary>Looks at what is set up: what the login may do, the applications' addresses, each connection and its provider.</summary>
internal sealed class ConfigurationExamination(ManagementApi api, HttpClient outside)
{
    /// <summary>What each needs one of, to be looked at.</summary>
    private static readonly (string Path, string For)[] Readable =
    [
        ("clients?per_page=1", "applications"), ("connections?per_page=1", "connections"), ("resource-servers?per_page=1", "APIs"), ("client-grants?per_page=1", "grants"),
        ("users?per_page=1", "users"), ("logs?per_page=1", "the log"),
    ];

    public async Task<IReadOnlyList<Finding>> RunAsync(CancellationToken cancellationToken)
    {
        var findings = new List<Finding>();
        foreach (var (path, noun) in Readable)
        {
            if (await RefusalAsync(path, noun, cancellationToken) is { } refusal)
            {
                findings.Add(refusal);
            }
        }

        if (findings.Count > 0)
        {
            return findings;
        }

        findings.Add(new Finding(Verdict.Good, "login", "may read what there is"));
        findings.AddRange((await api.ListAsync("clients", "clients", cancellationToken)).Select(Application).OfType<Finding>());
        foreach (var connection in ConnectionPlan.Usable(await api.ListAsync("connections", "connections", cancellationToken)))
        {
            findings.Add(await ConnectionAsync(connection, cancellationToken));
        }

        return findings;
    }

    private async Task<Finding?> RefusalAsync(string path, string noun, CancellationToken cancellationToken)
    {
        try
        {
            await api.GetAsync(path, cancellationToken);
            return null;
        }
        catch (ToolException e) when (e.ExitCode == ExitCode.NotAllowed)
        {
            return new Finding(Verdict.Bad, "login", $"{noun}: {e.Message}", e.Advice);
        }
    }

    /// <summary>Only what is amiss: there may be many.</summary>
    private static Finding? Application(JsonObject client)
    {
        var name = "application " + Answer.Text(client, "name");
        if (!Wire.Texts(client["grant_types"]).Contains(Wire.Exchange))
        {
            return null;
        }

        if (Answer.Text(client, "token_endpoint_auth_method") == "none")
        {
            return new Finding(Verdict.Bad, name, "is a public client, and may exchange nothing", "Give it a token_endpoint_auth_method, or take the exchange grant away.");
        }

        if (Answer.Text(client["refresh_token"], "rotation_type") == "rotating" && Answer.Text(client, "app_type") == "regular_web")
        {
            return new Finding(Verdict.Doubtful, name, "rotates its refresh tokens, and each can be exchanged once", "tokenvault setup --app-id … --allow-weakening");
        }

        var plain = Wire.Texts(client["callbacks"]).FirstOrDefault(url => url.StartsWith("http:", StringComparison.OrdinalIgnoreCase) && Uri.TryCreate(url, UriKind.Absolute, out var uri) && !uri.IsLoopback);
        return plain is null ? null : new Finding(Verdict.Doubtful, name, $"has a callback URL without TLS: {plain}", "Codes that are sent there can be read on the way: use https.");
    }

    private async Task<Finding> ConnectionAsync(JsonObject connection, CancellationToken cancellationToken)
    {
        var name = "connection " + Answer.Text(connection, "name");
        var callback = Answer.Text(connection, "callback_url");
        if (callback?.StartsWith(api.Issuer, StringComparison.Ordinal) != true)
        {
            return new Finding(Verdict.Bad, name, $"its redirect URI, {callback}, is not at this server");
        }

        if (Wire.Texts(connection["enabled_clients"]).Count == 0)
        {
            return new Finding(Verdict.Doubtful, name, "is enabled for no application", $"tokenvault setup --connections {Answer.Text(connection, "name")}");
        }

        return await ProviderAsync(connection, name, callback, cancellationToken);
    }

    /// <summary>From here, which need not be how the server sees it; but an address that is wrong is wrong everywhere.</summary>
    private async Task<Finding> ProviderAsync(JsonObject connection, string name, string callback, CancellationToken cancellationToken)
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
}
