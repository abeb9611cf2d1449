using TokenVault.Server.Clients;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Tests.Management;

public sealed class RefreshTokenManagementTests
{
    [Fact]
    public async Task Tokens_of_a_user_are_listed_seen_annotated_and_withdrawn()
    {
        var host = await ManagementHost.SharedAsync();
        var scene = await SceneAsync(host);
        var token = await AddAsync(host, scene.User, scene.Client, "https://api.example/");
        await AddAsync(host, scene.User, scene.OtherClient, null);

        var shown = (await host.SendAsync("GET", "/refresh-tokens/" + token.Id)).Body!.AsObject();
        ((string?)shown["user_id"], (string?)shown["client_id"], (bool)shown["rotating"]!).ShouldBe((scene.User, scene.Client, false));
        shown["resource_servers"]!.ToJsonString().ShouldBe("""[{"audience":"https://api.example/","scopes":"read:it offline_access"}]""");
        shown.ToJsonString().ShouldNotContain(token.HandleHash);
        shown.ToJsonString().ShouldNotContain(token.SecretHash);

        var user = Uri.EscapeDataString(scene.User);
        (await host.SendAsync("GET", $"/refresh-tokens?user_id={user}")).Body!["refresh_tokens"]!.AsArray().Count.ShouldBe(2);
        (await host.SendAsync("GET", $"/refresh-tokens?user_id={user}&client_id={scene.Client}")).Body!["refresh_tokens"]!.AsArray().Count.ShouldBe(1);
        (await host.SendAsync("GET", $"/users/{user}/refresh-tokens?take=1")).Body!.AsObject().Select(member => member.Key).ShouldBe(["tokens", "next"]);
        (await host.SendAsync("GET", "/refresh-tokens")).ErrorCode.ShouldBe("invalid_query_string");

        var noted = await host.SendAsync("PATCH", "/refresh-tokens/" + token.Id, """{"refresh_token_metadata":{"device":"laptop"}}""");
        noted.Body!["refresh_token_metadata"]!.ToJsonString().ShouldBe("""{"device":"laptop"}""");
        (await host.SendAsync("PATCH", "/refresh-tokens/" + token.Id, """{"refresh_token_metadata":{"device":1}}""")).Status.ShouldBe(400);
        (await host.SendAsync("PATCH", "/refresh-tokens/" + token.Id, """{"rotating":true}""")).Status.ShouldBe(400);

        (await host.SendAsync("DELETE", "/refresh-tokens/" + token.Id)).Status.ShouldBe(202);
        (await host.SendAsync("GET", "/refresh-tokens/" + token.Id)).ErrorCode.ShouldBe("inexistent_refresh_token");
        (await host.SendAsync("DELETE", $"/users/{user}/refresh-tokens")).Status.ShouldBe(202);
        (await host.SendAsync("GET", $"/users/{user}/refresh-tokens")).Body!["tokens"]!.AsArray().ShouldBeEmpty();
    }

    [Theory]
    [InlineData("""{"ids":["{first}","rt_of_nobody"]}""", "second third")]
    [InlineData("""{"user_id":"{user}"}""", "")]
    [InlineData("""{"client_id":"{client}"}""", "third")]
    [InlineData("""{"user_id":"{user}","client_id":"{client}"}""", "third")]
    [InlineData("""{"user_id":"{user}","client_id":"{client}","audience":"https://one.example/"}""", "second third")]
    public async Task Revocation_withdraws_what_it_names_and_nothing_else(string body, string left)
    {
        var host = await ManagementHost.SharedAsync();
        var scene = await SceneAsync(host);
        var tokens = new Dictionary<string, RefreshToken>
        {
            ["first"] = await AddAsync(host, scene.User, scene.Client, "https://one.example/"),
            ["second"] = await AddAsync(host, scene.User, scene.Client, "https://two.example/"),
            ["third"] = await AddAsync(host, scene.User, scene.OtherClient, null),
        };

        var json = body.Replace("{user}", scene.User).Replace("{client}", scene.Client).Replace("{first}", tokens["first"].Id);
        (await host.SendAsync("POST", "/refresh-tokens/revoke", json)).Status.ShouldBe(202);

        var remaining = new List<string>();
        foreach (var (name, token) in tokens)
        {
            if ((await host.SendAsync("GET", "/refresh-tokens/" + token.Id)).Status == 200)
            {
                remaining.Add(name);
            }
        }

        string.Join(' ', remaining).ShouldBe(left);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"ids":[]}""")]
    [InlineData("""{"ids":["a"],"user_id":"b"}""")]
    [InlineData("""{"audience":"https://one.example/"}""")]
    [InlineData("""{"user_id":"a","audience":"https://one.example/"}""")]
    public async Task A_revocation_that_names_nothing_or_too_much_is_refused(string body)
    {
        var host = await ManagementHost.SharedAsync();
        (await host.SendAsync("POST", "/refresh-tokens/revoke", body)).ErrorCode.ShouldBe("invalid_body");
    }

    private static async Task<(string User, string Client, string OtherClient)> SceneAsync(ManagementHost host)
    {
        var user = await host.CreateAsync(
            "/users", $$"""{"connection":"{{Wire.DatabaseConnection}}","email":"{{Identifier.Client()}}@example.com","password":"correct horse battery"}""");
        return ((string)user["user_id"]!, (string)(await host.CreateClientAsync())["client_id"]!, (string)(await host.CreateClientAsync())["client_id"]!);
    }

    private static async Task<RefreshToken> AddAsync(ManagementHost host, string user, string client, string? audience)
    {
        var token = new RefreshToken
        {
            Id = Identifier.RefreshToken(),
            ClientId = client,
            UserId = user,
            Audience = audience,
            Scopes = ["read:it", "offline_access"],
            HandleHash = Identifier.Hash(Identifier.Secret()),
            SecretHash = Identifier.Hash(Identifier.Secret()),
            CreatedAt = host.Clock.GetUtcNow(),
        };
        (await host.Storage.CommitAsync(new Batch().Insert(token))).Committed.ShouldBeTrue();
        return token;
    }
}
