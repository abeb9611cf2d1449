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

    /// <summary>A new access token for what was granted before (RFC 6749 §6).</summary>
    public Task<Answer> RenewAsync(string clientId, string refreshToken, CancellationToken cancellationToken) =>
        SendAsync([new("grant_type", "refresh_token"), new("client_id", clientId), new("refresh_token", refreshToken)], cancellationToken);

    /// <summary>Ends what the refresh token stands for (RFC 7009).</summary>
    public Task<Answer> RevokeAsync(string clientId, string refreshToken, CancellationToken cancellationToken) =>
        http.FormAsync(
            "oauth/revoke",
            [new("client_id", clientId), new("token", refreshToken), new("token_type_hint", "refresh_token")],
            cancellationToken);

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

/// <summary>What opens the Management API; or, of a person, their own accounts.</summary>
internal sealed record ManagementToken(string Value, DateTimeOffset ExpiresAt, string? Scope)
{
    /// <summary>Null: nothing renews it.</summary>
    public string? RefreshToken { get; private init; }

    public static ManagementToken Of(Answer answer)
    {
        var token = answer["access_token"] ?? throw new ToolException(ExitCode.Failed, "The token endpoint's answer has no token.");
        var seconds = answer.Json!["expires_in"] is JsonValue value && value.TryGetValue<int>(out var given) ? given : 0;
        return new ManagementToken(token, TimeProvider.System.GetUtcNow().AddSeconds(seconds), answer["scope"]) { RefreshToken = answer["refresh_token"] };
    }

    public override string ToString() => $"until {ExpiresAt.ToLocalTime().ToString("g", CultureInfo.CurrentCulture)}{(Scope is null ? "" : $", with {Scope.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length} scopes")}";
}
