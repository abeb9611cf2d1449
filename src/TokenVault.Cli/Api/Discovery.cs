using System.Text.Json.Nodes;
using TokenVault.Cli.Terminal;

namespace TokenVault.Cli.Api;

/// <summary>What the server says about itself (RFC 8414), checked to be from the server that was meant.</summary>
internal sealed record Discovery(JsonNode Metadata)
{
    public string? DeviceEndpoint => Answer.Text(Metadata, "device_authorization_endpoint");

    public static async Task<Discovery> ReadAsync(VaultHttp http, CancellationToken cancellationToken)
    {
        var answer = await http.GetAsync(".well-known/openid-configuration", cancellationToken);
        if (!answer.Succeeded || answer["issuer"] is not { } issuer || answer["token_endpoint"] is null)
        {
            throw new ToolException(ExitCode.Unreachable, $"{http.Issuer} answers, but not as a Token Vault server (status {answer.Status}).", "Check the domain and the port.");
        }

        // RFC 8414 §3.3: identical, or somebody else's.
        if (issuer != http.Issuer)
        {
            throw new ToolException(ExitCode.Unreachable, $"The server at {http.Issuer} calls itself {PlainText.Of(issuer)}.", "Use that name as the domain.");
        }

        // What was checked is this server and its certificate: nothing is sent to another one because it says so.
        var found = new Discovery(answer.Json!);
        return found.DeviceEndpoint?.StartsWith(http.Issuer, StringComparison.Ordinal) != false ? found
            : throw new ToolException(ExitCode.Unreachable, $"The server at {http.Issuer} names an endpoint at another one: {PlainText.Of(found.DeviceEndpoint)}");
    }
}
