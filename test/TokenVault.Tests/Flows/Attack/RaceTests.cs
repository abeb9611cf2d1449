using TokenVault.Server.Audit;
using TokenVault.Server.Clients;
using TokenVault.Server.Demo;
using TokenVault.Server.Exchange;
using TokenVault.Server.Http;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Tokensets;

namespace TokenVault.Tests.Flows.Attack;

/// <summary>What is withdrawn while something is under way.</summary>
public sealed class RaceTests(AttackScene scene) : IClassFixture<AttackScene>
{
    [Fact]
    public async Task T_PW_07_an_account_disconnected_during_an_exchange_gives_no_token_and_leaves_no_trace_behind()
    {
        await scene.Admin.CreateConnectionAsync(AttackScene.Calendar, "oauth2", scene.Provider.OAuth2Options("calendar.read"), scene.App.Credentials);
        var (userId, refreshToken, accountId) = await scene.ConnectedUserAsync();
        var storage = scene.Vault.Storage;
        var tokenset = (await storage.ListAllAsync<Tokenset>(EntityKey.Index("user", userId), CancellationToken.None)).ShouldHaveSingleItem();
        var client = (await storage.FindAsync<Client>(scene.App.Credentials.ClientId, CancellationToken.None))!;
        var request = new ExchangeRequest(new Secret(refreshToken), Wire.RefreshTokenType, Wire.FederatedAccessTokenType, AttackScene.Calendar);

        // The exchange has read the tokenset; the user disconnects; the exchange goes on.
        var mine = (await scene.App.RefreshAsync(refreshToken, scene.Vault.Issuer + "me/"))["access_token"]!;
        (await scene.Vault.Api.SendAsync(HttpMethod.Delete, "me/v1/connected-accounts/accounts/" + accountId, mine)).Status.ShouldBe(204);
        var rows = await scene.AuditRowsAsync(AuditType.SuccessfulVaultExchange);
        var answered = await scene.Vault.Service<ExchangeAudit>().SucceededAsync(
            new ExchangeAttempt(request, client, new RequestOrigin(null, null)), tokenset, new Secret("token"));

        answered.ShouldBe(Delivery.TokensetChanged);
        (await scene.AuditRowsAsync(AuditType.SuccessfulVaultExchange)).ShouldBe(rows);
        (await storage.FindAsync<TokensetUse>(tokenset.Id, CancellationToken.None)).ShouldBeNull();
        (await scene.App.ExchangeAsync(refreshToken, Wire.RefreshTokenType, AttackScene.Calendar)).Status.ShouldBe(401);
    }

    [Fact]
    public async Task T_ST_07_a_thief_cannot_outrun_the_withdrawal_of_what_a_stolen_code_gave()
    {
        var spa = new Application(scene.Vault.Api, new Credentials((await scene.Admin.CreateApplicationAsync("Browser", new()
        {
            ["app_type"] = "spa",
            ["token_endpoint_auth_method"] = "none",
        })).ClientId, ""));
        for (var round = 0; round < 5; round++)
        {
            using var browser = scene.Vault.NewBrowser();
            var (visit, verifier) = await spa.AuthorizeAsync(browser, AttackScene.Email, AttackScene.Password, null, "openid offline_access");
            var stolen = (await RedeemAsync(spa, visit["code"]!, verifier))["refresh_token"]!;
            var thief = RotateAsync(spa, stolen);
            (await RedeemAsync(spa, visit["code"]!, verifier))["error"].ShouldBe("invalid_grant");
            var last = await thief;
            (await scene.TokenAsync(new() { ["grant_type"] = Wire.RefreshToken, ["client_id"] = spa.Credentials.ClientId, ["refresh_token"] = last }))["error"]
                .ShouldBe("invalid_grant");
        }
    }

    private Task<Answer> RedeemAsync(Application spa, string code, string verifier) => scene.TokenAsync(new()
    {
        ["grant_type"] = Wire.AuthorizationCode,
        ["client_id"] = spa.Credentials.ClientId,
        ["code"] = code,
        ["redirect_uri"] = Operator.Callback,
        ["code_verifier"] = verifier,
    });

    /// <summary>The newest refresh token that could be had.</summary>
    private async Task<string> RotateAsync(Application spa, string token)
    {
        for (var i = 0; i < 30; i++)
        {
            var answer = await scene.TokenAsync(new() { ["grant_type"] = Wire.RefreshToken, ["client_id"] = spa.Credentials.ClientId, ["refresh_token"] = token });
            if (answer["refresh_token"] is not { } next)
            {
                return token;
            }

            token = next;
        }

        return token;
    }
}
