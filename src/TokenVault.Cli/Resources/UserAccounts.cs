using System.Text.Json.Nodes;
using TokenVault.Cli.Api;
using TokenVault.Cli.Commands;
using TokenVault.Cli.Terminal;

namespace TokenVault.Cli.Resources;

/// <summary>What a user has connected, as the Management API shows it.</summary>
internal sealed class UserAccounts(ManagementApi api, string userId)
{
    private readonly string _path = $"users/{Uri.EscapeDataString(userId)}/";

    private string TokensetsPath => _path + "federated-connections-tokensets";

    public Task<IReadOnlyList<JsonObject>> AccountsAsync(CancellationToken cancellationToken) =>
        api.FollowAsync(_path + "connected-accounts", "connected_accounts", cancellationToken);

    public Task<IReadOnlyList<JsonObject>> TokensetsAsync(CancellationToken cancellationToken) =>
        api.FollowAsync(TokensetsPath, member: null, cancellationToken);

    /// <summary>The tokenset of an account. The Management API does not say which it is: where a user has several of a connection, they have to.</summary>
    public async Task<string> TokensetOfAsync(string accountId, CancellationToken cancellationToken)
    {
        var account = (await AccountsAsync(cancellationToken)).FirstOrDefault(account => Answer.Text(account, "id") == accountId)
            ?? throw new ToolException(ExitCode.Usage, $"The user has no account {accountId}.", "tokenvault accounts shows those there are.");
        var connection = Answer.Text(account, "connection");
        var tokensets = (await TokensetsAsync(cancellationToken)).Where(tokenset => Answer.Text(tokenset, "connection") == connection).ToList();
        return tokensets is [var only] ? Answer.Text(only, "id")! : throw new ToolException(
            ExitCode.Usage, $"The user has {tokensets.Count} tokensets of {connection}.",
            $"Say which: tokenvault tokensets disconnect … --user {ShellText.Of(userId)}, with {string.Join(" or ", tokensets.Select(tokenset => ShellText.Of(Answer.Text(tokenset, "id"))))}");
    }

    /// <summary>Deletes a tokenset, and with it the account; the server revokes the tokens at the provider.</summary>
    public async Task<int> DisconnectAsync(Invocation run, string tokensetId, CancellationToken cancellationToken)
    {
        if (!Confirmation.Given(run, $"Disconnect {tokensetId} of {userId}? Its tokens are revoked, and the user has to connect again."))
        {
            return ExitCode.Failed;
        }

        await api.SendAsync(HttpMethod.Delete, $"{TokensetsPath}/{Uri.EscapeDataString(tokensetId)}", body: null, cancellationToken);
        run.Screen.Done($"Disconnected {tokensetId}.");
        return ExitCode.Done;
    }
}
