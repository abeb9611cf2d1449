using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Routing;
using TokenVault.Server.Demo;

namespace TokenVault.Tests.Flows.Vault;

/// <summary>Administrators see that there are tokens, and never a token; the log sees what was refused, and nothing of what was sent.</summary>
public sealed class TokenExposureTests(VaultScene scene) : IClassFixture<VaultScene>
{
    [Fact]
    public async Task T_MG_01_no_read_of_the_management_api_shows_a_providers_token_or_any_secret()
    {
        var user = await scene.ConnectedUserAsync();
        (await user.ExchangeAsync()).Status.ShouldBe(200);
        var admin = await scene.AdminAsync();
        var secrets = scene.Provider.Commits.SelectMany(commit => (string?[])[commit.AccessToken, commit.RefreshToken])
            .Concat([scene.Provider.ClientSecret, scene.App.Credentials.ClientSecret, user.RefreshToken, user.Password])
            .OfType<string>().Where(secret => secret.Length > 0).ToList();
        secrets.Count.ShouldBeGreaterThan(5);

        // Every route that reads, with every id that the lists show.
        var routes = scene.Vault.Service<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(route => route.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods.Contains("GET") == true)
            .Select(route => route.RoutePattern.RawText!).Where(path => path.StartsWith("/api/v2/", StringComparison.Ordinal)).Select(path => path["/api/v2/".Length..]).ToList();
        var lists = routes.Where(path => !path.Contains('{')).ToList();
        var seen = new List<string>();
        foreach (var path in lists)
        {
            var answer = await admin.GetAsync($"{path}?user_id={Uri.EscapeDataString(user.Id)}&email={Uri.EscapeDataString(user.Email)}");
            Check(path, answer);
            seen.AddRange((answer.Json as JsonArray ?? []).OfType<JsonObject>().SelectMany(Ids));
        }

        foreach (var path in routes.Except(lists))
        {
            foreach (var id in seen.Append(user.Id).Distinct())
            {
                Check(path, await admin.GetAsync(Regex.Replace(path, "{[^}]+}", _ => Uri.EscapeDataString(id))));
            }
        }

        seen.ShouldContain(user.Id);

        static IEnumerable<string> Ids(JsonObject shown) =>
            ((string[])["id", "client_id", "user_id", "kid", "log_id"]).Select(name => (string?)shown[name]).OfType<string>().Take(1);

        void Check(string path, Answer answer)
        {
            answer.Status.ShouldBeLessThan(500, path);
            secrets.ShouldAllBe(secret => !answer.Text.Contains(secret, StringComparison.Ordinal), path);
        }
    }

    [Fact]
    public async Task A_completion_that_is_refused_and_an_id_that_is_none_are_logged_without_what_was_sent()
    {
        var user = await scene.NewUserAsync();
        var token = await user.MyTokenAsync();
        var body = new JsonObject { ["auth_session"] = "planted-canary-session", ["connect_code"] = "planted-canary-code", ["redirect_uri"] = Operator.Callback };
        (await user.MyAsync(HttpMethod.Post, VaultScene.Complete, token, body)).Status.ShouldBe(400);
        (await user.MyAsync(HttpMethod.Delete, VaultScene.Accounts + "/planted-canary-id", token)).Status.ShouldBe(404);

        var completion = (await scene.AuditAsync("connected_accounts_connection_failed", user.Id)).ShouldHaveSingleItem();
        ((int)completion["details"]!["error"]!["status"]!).ShouldBe(400);
        var deletion = (await scene.AuditAsync("connected_accounts_delete_failed", user.Id)).ShouldHaveSingleItem();
        (completion.ToJsonString() + deletion.ToJsonString()).ShouldNotContain("planted-canary");
    }
}
