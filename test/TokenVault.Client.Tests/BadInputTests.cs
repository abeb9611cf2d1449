using TokenVault.Server.Demo;

namespace TokenVault.Client.Tests;

/// <summary>Whatever the client is asked to do, what is wrong around it has one typed outcome.</summary>
[Collection(ClientTests.Name)]
public sealed class BadInputTests(ClientScene scene)
{
    private static readonly Dictionary<string, Func<TokenVaultClient, ClientUser, CancellationToken, Task>> Calls = new()
    {
        ["exchange"] = (client, user, cancel) => client.ExchangeAsync(user.Subject, new(ClientScene.Calendar), cancel),
        ["cached exchange"] = (client, user, cancel) => client.GetTokenAsync(user.Subject, new(ClientScene.Calendar), cancel),
        ["connect"] = (client, user, cancel) => client.ConnectAsync(user.Subject, new(ClientScene.Calendar, Operator.Callback), cancel),
        ["accounts"] = (client, user, cancel) => client.ListAccountsAsync(user.Subject, cancellationToken: cancel),
        ["connections"] = (client, user, cancel) => client.ListConnectionsAsync(user.Subject, cancel),
        ["disconnect"] = (client, user, cancel) => client.DisconnectAsync(user.Subject, "cac_0000000000000000000000", cancel),
        ["approval"] = (client, user, cancel) => client.RequestApprovalAsync(new(user.Id, "A test"), cancel),
    };

    [Fact]
    public Task A_wrong_issuer() =>
        EachFailsAsync(TokenVaultFailure.WrongIssuer, options => options.Issuer = options.Issuer.Replace("localhost", "LOCALHOST", StringComparison.Ordinal));

    [Fact]
    public Task An_untrusted_certificate() => EachFailsAsync(TokenVaultFailure.UntrustedServer, options => options.TrustedAuthority = null);

    [Fact]
    public Task A_server_that_is_away() =>
        EachFailsAsync(TokenVaultFailure.TemporarilyUnavailable, options => options.Issuer = $"https://localhost:{LoopbackHttp.FreePort()}/");

    [Fact]
    public Task A_client_that_is_not_known() => EachFailsAsync(TokenVaultFailure.ClientRejected, options => options.ClientId = "revoked");

    [Fact]
    public async Task A_call_that_was_given_up()
    {
        var user = await scene.NewUserAsync();
        using var given_up = new CancellationTokenSource();
        await given_up.CancelAsync();
        foreach (var (name, call) in Calls)
        {
            (await Should.ThrowAsync<OperationCanceledException>(call(scene.Client, user, given_up.Token), name)).CancellationToken.ShouldBe(given_up.Token, name);
        }
    }

    private async Task EachFailsAsync(TokenVaultFailure expected, Action<TokenVaultOptions> change)
    {
        var user = await scene.NewUserAsync();
        var client = scene.NewClient(scene.Options(change));
        foreach (var (name, call) in Calls)
        {
            var e = await Should.ThrowAsync<TokenVaultException>(call(client, user, CancellationToken.None), name);
            e.Failure.ShouldBe(expected, $"{name}: {e.Message}");
            (e.UserCanConnect, e.ToString().Contains(scene.App.Credentials.ClientSecret, StringComparison.Ordinal)).ShouldBe((false, false), name);
        }
    }
}
