using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;

namespace TokenVault.Tests.Flows.OAuth;

/// <summary>What each kind of token is good for, and the forms that APIs may choose for theirs.</summary>
public sealed class TokenTypeTests(OAuthVault vault) : IClassFixture<OAuthVault>
{
    [Fact]
    public async Task T_ST_05_Each_token_opens_its_own_door_only()
    {
        // A refresh token, an ID token and access tokens for four audiences, at every place that takes a token.
        var client = await vault.ClientAsync("Suite", new JsonObject
        {
            ["refresh_token"] = new JsonObject
            {
                ["policies"] = new JsonArray(new JsonObject { ["audience"] = vault.Issuer + "me/", ["scope"] = new JsonArray("read:me:connected_accounts") }),
            },
        });
        var tokens = await vault.SignInAsync(client, "openid offline_access read:calendar");
        var mine = await vault.RefreshAsync(client, tokens["refresh_token"], ("audience", vault.Issuer + "me/"), ("scope", "read:me:connected_accounts"));
        var plain = await vault.SignInAsync(client, "read:calendar");
        var all = new Dictionary<string, string>
        {
            ["id"] = tokens["id_token"]!,
            ["refresh"] = tokens["refresh_token"]!,
            ["api+userinfo"] = tokens["access_token"]!,
            ["api"] = plain["access_token"]!,
            ["me"] = mine["access_token"]!,
            ["management"] = vault.Admin.Token,
        };

        foreach (var (name, token) in all)
        {
            (await vault.GetAsync("userinfo", token)).Status.ShouldBe(name == "api+userinfo" ? 200 : 401, name);
            (await vault.GetAsync("me/v1/connected-accounts/accounts", token)).Status.ShouldBe(name == "me" ? 200 : 401, name);
            (await vault.GetAsync("api/v2/clients", token)).Status.ShouldBe(name == "management" ? 200 : 401, name);
            (await vault.RefreshAsync(client, token)).Status.ShouldBe(name == "refresh" ? 200 : 403, name);
            (await vault.GetAsync("oidc/logout?id_token_hint=" + token)).Status.ShouldBe(name == "id" ? 200 : 400, name);
        }
    }

    [Fact]
    public async Task T_ST_05_No_token_but_an_access_token_of_its_API_is_an_API_clients_to_exchange()
    {
        const string api = "https://exchange.example/api";
        var apiClient = new Application(vault.Api, await vault.Admin.CreateApiAsync(api));
        var tokens = await vault.SignInAsync(vault.Web, "openid offline_access read:calendar", api);
        var elsewhere = await vault.SignInAsync(vault.Web);

        var right = await apiClient.ExchangeAsync(tokens["access_token"]!, Wire.AccessTokenType, "no-such-connection");
        foreach (var wrong in (string[])[tokens["id_token"]!, tokens["refresh_token"]!, elsewhere["access_token"]!, vault.Admin.Token, "x", tokens["access_token"]! + "x"])
        {
            var answer = await apiClient.ExchangeAsync(wrong, Wire.AccessTokenType, "no-such-connection");
            answer.ShouldBeRefused(401, "invalid_grant");
            answer["error"].ShouldNotBe(right["error"], "a good token gets further than this");
        }
    }

    [Fact]
    public async Task An_API_may_have_its_tokens_signed_by_ES256()
    {
        const string api = "https://es256.example/api";
        await vault.CreateApiAsync(api, new JsonObject { ["signing_alg"] = "ES256" });
        var answer = await vault.SignInAsync(vault.Web, "openid read:calendar", api);

        ((string?)Answers.JoseHeader(answer["access_token"])["alg"]).ShouldBe("ES256");
        ((string?)Answers.JoseHeader(answer["id_token"])["alg"]).ShouldBe("RS256");
        await vault.VerifiedClaimsAsync(answer["access_token"]);
        (await vault.GetAsync("userinfo", answer["access_token"])).Status.ShouldBe(200);
    }

    [Fact]
    public async Task A_client_may_have_its_id_tokens_signed_by_ES256()
    {
        var client = await vault.ClientAsync("ES256", new JsonObject { ["jwt_configuration"] = new JsonObject { ["alg"] = "ES256", ["lifetime_in_seconds"] = 60 } });
        var answer = await vault.SignInAsync(client, "openid");
        var claims = await vault.VerifiedClaimsAsync(answer["id_token"]);

        ((string?)Answers.JoseHeader(answer["id_token"])["alg"]).ShouldBe("ES256");
        (claims["exp"]!.GetValue<long>() - claims["iat"]!.GetValue<long>()).ShouldBe(60);
    }

    [Fact]
    public async Task An_API_may_have_the_RFC_9068_profile()
    {
        const string api = "https://rfc9068.example/api";
        await vault.CreateApiAsync(api, new JsonObject { ["token_dialect"] = "rfc9068_profile", ["token_lifetime"] = 600 });
        var answer = await vault.SignInAsync(vault.Web, "openid read:calendar", api);
        var claims = await vault.VerifiedClaimsAsync(answer["access_token"]);

        ((string?)Answers.JoseHeader(answer["access_token"])["typ"]).ShouldBe("at+jwt");
        ((string?)claims["client_id"]).ShouldBe(vault.Web.Credentials.ClientId);
        claims.ContainsKey("azp").ShouldBeFalse();
        ((string?)claims["jti"]).ShouldNotBeNullOrEmpty();
        foreach (var claim in (string[])["iss", "exp", "aud", "sub", "iat"])
        {
            claims.ContainsKey(claim).ShouldBeTrue(claim);
        }

        answer.Json["expires_in"]!.GetValue<int>().ShouldBe(600);
        (claims["exp"]!.GetValue<long>() - claims["iat"]!.GetValue<long>()).ShouldBe(600);
        (await vault.GetAsync("userinfo", answer["access_token"])).Status.ShouldBe(200);
    }

    [Fact]
    public async Task The_classic_profile_is_a_JWT_by_type_signed_by_RS256_oidcc_idtoken_signature()
    {
        var answer = await vault.SignInAsync(vault.Web);
        foreach (var token in (string[])["access_token", "id_token"])
        {
            var header = Answers.JoseHeader(answer[token]);
            ((string?)header["alg"]).ShouldBe("RS256");
            ((string?)header["typ"]).ShouldBe("JWT");
            header.Select(member => member.Key).Order().ShouldBe(["alg", "kid", "typ"]);
        }
    }
}
