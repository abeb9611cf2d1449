using System.Text.Json.Nodes;
using TokenVault.Cli.Api;
using TokenVault.Cli.Setup;
using TokenVault.Cli.Terminal;

namespace TokenVault.Cli.Examination;

/// <summary>Looks at what is set up: what the login may do, the applications' addresses, each connection and its provider.</summary>
/// <param name="step">Is told what is looked at next.</param>
internal sealed class ConfigurationExamination(ManagementApi api, Action<string> step)
{
    private const int AtOnce = 4;

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
        findings.AddRange(await new KeyExamination(api).RunAsync(cancellationToken));
        findings.AddRange((await api.ListAsync("clients", "clients", cancellationToken)).Select(Application).OfType<Finding>());
        var providers = new ConnectionExamination(api);
        foreach (var some in ConnectionPlan.Usable(await api.ListAsync("connections", "connections", cancellationToken)).Chunk(AtOnce))
        {
            // A provider that is away takes the server its time to tell.
            step("Looking at the providers of " + string.Join(", ", some.Select(connection => Answer.Text(connection, "name"))));
            var seen = await Task.WhenAll(some.Select(connection => providers.RunAsync(connection, cancellationToken)));
            findings.AddRange(seen.SelectMany(each => each));
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
            return new Finding(Verdict.Doubtful, name, "rotates its refresh tokens, and each can be exchanged once", $"tokenvault setup --app-id {ShellText.Of(Answer.Text(client, "client_id"))} --allow-weakening");
        }

        return Callbacks(client, name);
    }

    private static Finding? Callbacks(JsonObject client, string name)
    {
        var callbacks = Wire.Texts(client["callbacks"]);
        if (callbacks.Count == 0 && Wire.Texts(client["grant_types"]).Contains("authorization_code"))
        {
            return new Finding(Verdict.Doubtful, name, "signs users in, and has no callback URL", $"tokenvault apps update {ShellText.Of(Answer.Text(client, "client_id"))} --callback-urls https://…");
        }

        var plain = callbacks.FirstOrDefault(url => url.StartsWith("http:", StringComparison.OrdinalIgnoreCase) && Uri.TryCreate(url, UriKind.Absolute, out var uri) && !uri.IsLoopback);
        return plain is null ? null : new Finding(Verdict.Doubtful, name, $"has a callback URL without TLS: {plain}", "Codes that are sent there can be read on the way: use https.");
    }
}
