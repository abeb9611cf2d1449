using System.Text.Json.Nodes;
using TokenVault.Cli.Terminal;

namespace TokenVault.Cli.Api;

/// <summary>Login of a person in their browser, with a code that they compare (RFC 8628).</summary>
internal sealed class DeviceLogin(VaultHttp http, Screen screen, TimeProvider time)
{
    private const string GrantType = "urn:ietf:params:oauth:grant-type:device_code";
    private static readonly TimeSpan Slower = TimeSpan.FromSeconds(5);

    public async Task<ManagementToken> RunAsync(Discovery discovery, string clientId, string? scope, CancellationToken cancellationToken)
    {
        if (discovery.DeviceEndpoint is not { } endpoint)
        {
            throw new ToolException(
                ExitCode.NotAllowed, $"{http.Issuer} does not offer login by device code.",
                "Log in as a client: tokenvault login --domain … --client-id … --client-secret-file …, or with the server's --bootstrap bootstrap.json");
        }

        var form = new List<KeyValuePair<string, string>> { new("client_id", clientId), new("audience", http.Issuer + "api/v2/") };
        if (scope is not null)
        {
            form.Add(new("scope", scope));
        }

        var answer = await http.FormAsync(endpoint, form, cancellationToken);
        if (!answer.Succeeded || answer["device_code"] is not { } code || answer["verification_uri"] is not { } address)
        {
            throw TokenRequests.Refused(answer);
        }

        screen.Line($"Open {PlainText.Of(answer["verification_uri_complete"] ?? address)}");
        screen.Line($"and compare the code: {PlainText.Of(answer["user_code"])}");
        return await PollAsync(clientId, code, Seconds(answer, "interval", 5), Seconds(answer, "expires_in", 900), cancellationToken);
    }

    private async Task<ManagementToken> PollAsync(string clientId, string code, TimeSpan interval, TimeSpan lifetime, CancellationToken cancellationToken)
    {
        var end = time.GetUtcNow() + lifetime;
        while (time.GetUtcNow() < end)
        {
            await Task.Delay(interval, time, cancellationToken);
            var answer = await new TokenRequests(http).SendAsync(
                [new("grant_type", GrantType), new("client_id", clientId), new("device_code", code)], cancellationToken);
            switch (answer["error"])
            {
                case null when answer.Succeeded:
                    return ManagementToken.Of(answer);
                case "authorization_pending":
                    break;
                case "slow_down":
                    // RFC 8628 §3.5: for this and all later requests.
                    interval += Slower;
                    break;
                case "access_denied":
                    throw new ToolException(ExitCode.NotAllowed, "The login was refused in the browser.");
                default:
                    throw TokenRequests.Refused(answer);
            }
        }

        throw new ToolException(ExitCode.NotAllowed, "Nobody confirmed the code in time.", "Run the command again.");
    }

    private static TimeSpan Seconds(Answer answer, string member, int otherwise) =>
        TimeSpan.FromSeconds(answer.Json![member] is JsonValue value && value.TryGetValue<int>(out var seconds) ? seconds : otherwise);
}
