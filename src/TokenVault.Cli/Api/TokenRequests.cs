using System.Globalization;
using System.Text.Json.Nodes;

namespace TokenVault.Cli.Api;

/// <summary>Requests to the token endpoint.</summary>
internal sealed class TokenRequests(VaultHttp http)
{
    /// <summary>A management token for a client of its own (RFC 6749 §4.4).</summary>
    public async Task<ManagementToken> ForClientAsync(string clientId, string secret, CancellationToken cancellationToken)
    {
        var answer = await SendAsync(
            [
                new("grant_type", "client_credentials"), new("client_id", clientId), new("client_secret", secret),
                new("audience", http.Issuer + "api/v2/"),
            ],
            cancellationToken);
        return answer.Succeeded ? ManagementToken.Of(answer) : throw Refused(answer);
    }

    public Task<Answer> SendAsync(IEnumerable<KeyValuePair<string, string>> form, CancellationToken cancellationToken) =>
        http.FormAsync("oauth/token", form, cancellationToken);

    public static ToolException Refused(Answer answer) => answer["error"] switch
    {
        "invalid_client" => new ToolException(ExitCode.NotAllowed, "The server does not know this client, or not by this secret.", "Check the client id and the secret."),
        "access_denied" => new ToolException(
            ExitCode.NotAllowed, $"The client may not use the Management API: {answer["error_description"]}", "It needs a client grant for the audience of the Management API."),
        { } error => new ToolException(ExitCode.NotAllowed, $"{error}: {answer["error_description"]}"),
        null => new ToolException(ExitCode.Failed, $"The token endpoint answered with status {answer.Status}."),
    };
}

/// <summary>What opens the Management API.</summary>
internal sealed record ManagementToken(string Value, DateTimeOffset ExpiresAt, string? Scope)
{
    public static ManagementToken Of(Answer answer)
    {
        var token = answer["access_token"] ?? throw new ToolException(ExitCode.Failed, "The token endpoint's answer has no token.");
        var seconds = answer.Json!["expires_in"] is JsonValue value && value.TryGetValue<int>(out var given) ? given : 0;
        return new ManagementToken(token, TimeProvider.System.GetUtcNow().AddSeconds(seconds), answer["scope"]);
    }

    public override string ToString() => $"until {ExpiresAt.ToLocalTime().ToString("g", CultureInfo.CurrentCulture)}{(Scope is null ? "" : $", with {Scope.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length} scopes")}";
}
