using TokenVault.Cli.Api;
using TokenVault.Cli.Setup;

namespace TokenVault.Cli.Trial;

/// <summary>An application at the token endpoint: how it proves itself, and what it asks for.</summary>
/// <param name="secret">Null: by its key.</param>
internal sealed class TrialClient(VaultHttp http, string clientId, string? secret, WorkerKey? key)
{
    public string ClientId { get; } = clientId;

    public async Task<Answer> AskAsync(string what, IEnumerable<KeyValuePair<string, string>> form, CancellationToken cancellationToken)
    {
        var answer = await new TokenRequests(http).SendAsync([.. form, .. Proof()], cancellationToken);
        return answer.Succeeded ? answer : throw new ToolException(
            ExitCode.Failed,
            $"{what} failed: {answer["error"] ?? "status " + answer.Status} {answer["error_description"]}",
            answer["reason"] is { } reason ? $"Reason: {reason}" : null);
    }

    public Task<Answer> ExchangeAsync(string subjectToken, string subjectTokenType, string connection, CancellationToken cancellationToken) =>
        AskAsync(
            "The exchange",
            [
                new("grant_type", Wire.Exchange), new("subject_token", subjectToken), new("subject_token_type", subjectTokenType),
                new("requested_token_type", Wire.RequestedType), new("connection", connection),
            ],
            cancellationToken);

    private KeyValuePair<string, string>[] Proof() => secret is not null
        ? [new("client_id", ClientId), new("client_secret", secret)]
        : [new("client_id", ClientId), new("client_assertion_type", Wire.JwtBearer), new("client_assertion", Assertion())];

    private string Assertion() => (key ?? throw new ToolException(ExitCode.Failed, $"Neither a secret nor a key of {ClientId} is known."))
        .Sign("JWT", new() { ["iss"] = ClientId, ["sub"] = ClientId, ["aud"] = http.Issuer });
}
