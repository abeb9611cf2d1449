using System.Text.Json.Nodes;
using TokenVault.Server.Demo;

namespace TokenVault.Client.Tests;

/// <summary>Connecting, listing and disconnecting.</summary>
[Collection(ClientTests.Name)]
public sealed class AccountTests(ClientScene scene)
{
    [Fact]
    public async Task An_account_is_connected_listed_and_disconnected()
    {
        var user = await scene.NewUserAsync();
        (await scene.Client.ListAccountsAsync(user.Subject)).ShouldBeEmpty();

        var account = await user.ConnectAsync(scene.Client);

        account.Id.ShouldStartWith("cac_");
        account.Connection.ShouldBe(ClientScene.Calendar);
        account.Scopes.ShouldContain(ClientScene.Read);
        (await scene.Client.ListAccountsAsync(user.Subject, ClientScene.Calendar)).ShouldHaveSingleItem().Id.ShouldBe(account.Id);
        (await scene.Client.ListAccountsAsync(user.Subject, "another")).ShouldBeEmpty();
        (await scene.Client.ListConnectionsAsync(user.Subject)).ShouldContain(connection => connection.Name == ClientScene.Calendar && connection.Strategy == "oidc");

        await scene.Client.GetTokenAsync(user.Subject, new(ClientScene.Calendar));
        await scene.Client.DisconnectAsync(user.Subject, account.Id);

        // What was cached went with it.
        var gone = await Should.ThrowAsync<TokenVaultException>(scene.Client.GetTokenAsync(user.Subject, new(ClientScene.Calendar)));
        gone.Failure.ShouldBe(TokenVaultFailure.NotConnected);
        (await Should.ThrowAsync<TokenVaultException>(scene.Client.DisconnectAsync(user.Subject, account.Id))).Failure.ShouldBe(TokenVaultFailure.InvalidRequest);
    }

    [Fact]
    public async Task Long_lists_are_read_to_their_end()
    {
        var names = Enumerable.Range(0, 25).Select(i => $"many-{i:00}").ToList();
        var api = await scene.NewApplicationAsync();
        var application = new Application(scene.Vault.Api, api);
        foreach (var name in names)
        {
            await scene.Admin.CreateConnectionAsync(name, "oidc", scene.Provider.OidcOptions("openid"), [api]);
        }

        var user = await scene.NewUserAsync(application);
        var client = scene.NewClient(scene.Options(options => (options.ClientId, options.ClientSecret) = (api.ClientId, api.ClientSecret)));

        (await client.ListConnectionsAsync(user.Subject)).Select(connection => connection.Name).ShouldBe(names, ignoreOrder: true);
    }

    [Fact]
    public async Task An_access_token_for_the_account_API_does_as_well()
    {
        var user = await scene.ConnectedUserAsync();
        var mine = (await scene.App.RefreshAsync(user.RefreshToken, scene.Vault.Issuer + "me/"))["access_token"]!;

        (await scene.Client.ListAccountsAsync(SubjectToken.AccessToken(mine))).ShouldHaveSingleItem();
        (await Should.ThrowAsync<TokenVaultException>(scene.Client.ListAccountsAsync(SubjectToken.AccessToken(user.AccessToken)))).Failure
            .ShouldBe(TokenVaultFailure.SubjectRejected);
        await Should.ThrowAsync<ArgumentException>(scene.Client.ListAccountsAsync(SubjectToken.ForWorker(user.Id, "No browser")));
    }

    [Fact]
    public async Task A_rotated_refresh_token_is_handed_over_and_never_dropped()
    {
        var credentials = await scene.NewApplicationAsync(Rotating());
        var user = await scene.NewUserAsync(new Application(scene.Vault.Api, credentials));
        var client = scene.NewClient(scene.Options(options => (options.ClientId, options.ClientSecret) = (credentials.ClientId, credentials.ClientSecret)));
        string? successor = null;

        (await client.ListAccountsAsync(SubjectToken.RefreshToken(user.RefreshToken, (token, _) => Task.FromResult(successor = token)))).ShouldBeEmpty();

        successor.ShouldNotBeNull().ShouldNotBe(user.RefreshToken);
        await Should.ThrowAsync<InvalidOperationException>(client.ListAccountsAsync(SubjectToken.RefreshToken(successor)));
    }

    [Fact]
    public async Task Another_browsers_code_completes_nothing()
    {
        var user = await scene.NewUserAsync();
        var pending = await scene.Client.ConnectAsync(user.Subject, new ConnectRequest(ClientScene.Calendar, Operator.Callback));
        pending.Link.Query.ShouldStartWith("?ticket=");

        var refused = await Should.ThrowAsync<TokenVaultException>(scene.Client.CompleteAsync(user.Subject, pending, "another-code"));
        refused.Failure.ShouldBe(TokenVaultFailure.ConnectFailed, refused.Message);
        var unknown = await Should.ThrowAsync<TokenVaultException>(scene.Client.ConnectAsync(user.Subject, new ConnectRequest("nowhere", Operator.Callback)));
        (unknown.Failure, unknown.Connection).ShouldBe((TokenVaultFailure.InvalidRequest, "nowhere"));
    }

    private JsonObject Rotating() => new()
    {
        ["refresh_token"] = new JsonObject
        {
            ["rotation_type"] = "rotating",
            ["expiration_type"] = "expiring",
            ["policies"] = new JsonArray(new JsonObject
            {
                ["audience"] = scene.Vault.Issuer + "me/",
                ["scope"] = new JsonArray("create:me:connected_accounts", "read:me:connected_accounts", "delete:me:connected_accounts"),
            }),
        },
    };
}
