using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using TokenVault.Server;
using TokenVault.Server.Clients;
using TokenVault.Server.Storage;
using TokenVault.Server.Tokensets;
using TokenVault.Server.Users;
using TokenVault.Tests.Storage;

namespace TokenVault.Tests.Flows.Vault;

/// <summary>A server whose exchanges hear of no change: they have only what they remember, and the store at the commit.</summary>
public sealed class DeafScene : VaultScene
{
    private protected override void AddServices(IServiceCollection services) => services
        .AddSingleton(Deaf<User>).AddSingleton(Deaf<Tokenset>).AddSingleton(Deaf<RefreshToken>);

    private static RememberedRows<T> Deaf<T>(IServiceProvider services)
        where T : class, IRecord<T> => new(
            new DeafStorage(services.GetRequiredService<IStorage>()), services.GetRequiredService<TokenVaultOptions>(), services.GetRequiredService<TimeProvider>());
}

/// <summary>What is remembered saves reads, and decides nothing that is not true when the audit row is written.</summary>
public sealed class RememberedExchangeTests(DeafScene scene) : IClassFixture<DeafScene>
{
    public static TheoryData<string, string, string> Ends { get; } = new()
    {
        { "block", "access_denied", "access_denied" },
        { "delete", "invalid_grant", "invalid_grant" },
        { "disconnect", "federated_connection_refresh_token_not_found", "federated_connection_refresh_token_not_found" },
        { "revoke", "invalid_grant", "" },
    };

    [Theory]
    [MemberData(nameof(Ends))]
    public async Task T_ST_11_T_PW_07_what_has_ended_is_not_exchanged_although_it_is_remembered(string what, string byRefreshToken, string byAccessToken)
    {
        var user = await scene.ConnectedUserAsync();
        (await user.ExchangeAsync()).Status.ShouldBe(200);
        (await user.ExchangeByAccessTokenAsync()).Status.ShouldBe(200);

        await EndAsync(what, user);

        (await user.ExchangeAsync())["error"].ShouldBe(byRefreshToken);
        var again = await user.ExchangeByAccessTokenAsync();
        if (byAccessToken.Length > 0)
        {
            again["error"].ShouldBe(byAccessToken);
            return;
        }

        // A refresh token is not the session: the access token lives.
        again.Status.ShouldBe(200, again.Text);
    }

    [Fact]
    public async Task A_refusal_is_decided_from_the_store()
    {
        var user = await scene.ConnectedUserAsync();
        await BlockAsync(user, true);
        (await user.ExchangeAsync())["error"].ShouldBe("access_denied");
        await BlockAsync(user, false);

        (await user.ExchangeAsync()).Status.ShouldBe(200);
    }

    [Fact]
    public async Task Nobody_is_asked_to_approve_what_is_only_remembered()
    {
        const string guarded = "guarded";
        var connection = await scene.AddConnectionAsync(guarded);
        var user = await scene.ConnectedUserAsync(guarded);
        (await user.ExchangeAsync(guarded)).Status.ShouldBe(200);
        await EndAsync("disconnect", user);
        var rule = new JsonObject { ["connected_accounts"] = new JsonObject { ["active"] = true, ["approval"] = new JsonObject { ["required"] = true } } };
        (await (await scene.AdminAsync()).PatchAsync($"connections/{connection["id"]}", rule)).Status.ShouldBe(200);

        (await user.ExchangeAsync(guarded))["error"].ShouldBe("federated_connection_refresh_token_not_found");
        (await scene.AuditAsync("approval_requested", user.Id)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Tokens_of_a_new_consent_are_handed_out_although_others_are_remembered()
    {
        var user = await scene.ConnectedUserAsync(person: "ada");
        var before = (await user.ExchangeAsync())["access_token"];
        await user.ConnectAsync(person: "ada");

        (await user.ExchangeAsync())["access_token"].ShouldNotBe(before);
    }

    [Fact]
    public async Task Each_answer_has_one_audit_row_whether_it_came_from_memory_or_not()
    {
        var user = await scene.ConnectedUserAsync();
        for (var i = 0; i < 5; i++)
        {
            (await user.ExchangeAsync()).Status.ShouldBe(200);
        }

        await BlockAsync(user, true);
        var failed = (await scene.AuditAsync("feta")).Count;
        (await user.ExchangeAsync()).Status.ShouldBe(403);

        (await scene.AuditAsync("seta", user.Id)).Count.ShouldBe(5);
        (await scene.AuditAsync("feta")).Count.ShouldBe(failed + 1);
    }

    private async Task EndAsync(string what, TestUser user)
    {
        var admin = await scene.AdminAsync();
        var path = "users/" + Uri.EscapeDataString(user.Id);
        switch (what)
        {
            case "block":
                await BlockAsync(user, true);
                break;
            case "delete":
                (await admin.DeleteAsync(path)).Status.ShouldBe(204);
                break;
            case "disconnect":
                var account = (await admin.GetAsync(path + "/connected-accounts")).Json["connected_accounts"]![0]!["id"]!.GetValue<string>();
                (await user.MyAsync(HttpMethod.Delete, $"{VaultScene.Accounts}/{account}", await user.MyTokenAsync())).Status.ShouldBe(204);
                break;
            default:
                var revoke = new JsonObject
                {
                    ["client_id"] = user.Application.Credentials.ClientId,
                    ["client_secret"] = user.Application.Credentials.ClientSecret,
                    ["token"] = user.RefreshToken,
                };
                (await scene.Vault.Api.SendAsync(HttpMethod.Post, "oauth/revoke", body: revoke)).Status.ShouldBe(200);
                break;
        }
    }

    private async Task BlockAsync(TestUser user, bool blocked) =>
        (await (await scene.AdminAsync()).PatchAsync("users/" + Uri.EscapeDataString(user.Id), new JsonObject { ["blocked"] = blocked })).Status.ShouldBe(200);
}
