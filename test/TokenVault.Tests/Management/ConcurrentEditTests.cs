using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Users;

namespace TokenVault.Tests.Management;

public sealed class ConcurrentEditTests
{
    [Fact]
    public async Task T_MG_10_edits_of_different_members_at_once_all_last()
    {
        var host = await ManagementHost.SharedAsync();
        var path = "/clients/" + (await host.CreateClientAsync())["client_id"];
        string[] edits =
        [
            """{"name":"renamed"}""", """{"description":"described"}""", """{"callbacks":["https://a.example/"]}""",
            """{"web_origins":["https://b.example"]}""", """{"logo_uri":"https://c.example/"}""",
        ];
        var replies = await Task.WhenAll(edits.Select(edit => host.SendAsync("PATCH", path, edit)));
        replies.ShouldAllBe(reply => reply.Status == 200);
        var client = (await host.SendAsync("GET", path)).Body!.AsObject();
        foreach (var (name, value) in edits.SelectMany(edit => JsonNode.Parse(edit)!.AsObject()))
        {
            JsonNode.DeepEquals(client[name], value).ShouldBeTrue(name);
        }
    }

    [Fact]
    public async Task T_MG_10_clients_that_are_enabled_at_once_are_all_enabled_or_told_to_try_again()
    {
        var host = await ManagementHost.SharedAsync();
        var connection = await host.CreateAsync(
            "/connections",
            $$$"""{"name":"c{{{Identifier.Client()}}}","strategy":"oauth2","options":{"client_id":"a","authorizationURL":"https://p.example/a","tokenURL":"https://p.example/t"}}""");
        var ids = new List<string>();
        for (var i = 0; i < 10; i++)
        {
            ids.Add((string)(await host.CreateClientAsync())["client_id"]!);
        }

        var path = $"/connections/{connection["id"]}/clients";
        var replies = await Task.WhenAll(ids.Select(async id =>
            (Id: id, (await host.SendAsync("PATCH", path, $$"""[{"client_id":"{{id}}","status":true}]""")).Status)));
        replies.ShouldAllBe(reply => reply.Status == 204 || reply.Status == 409);
        var enabled = (await host.SendAsync("GET", path)).Body!["clients"]!.AsArray().Select(client => (string)client!["client_id"]!);
        enabled.Order().ShouldBe(replies.Where(reply => reply.Status == 204).Select(reply => reply.Id).Order());
    }

    [Theory]
    [InlineData("/clients", """{"name":"x"}""", "client_id", """{"name":"y"}""")]
    [InlineData("/resource-servers", """{"name":"x","identifier":"https://{new}.example/"}""", "id", """{"name":"y"}""")]
    [InlineData("/token-exchange-profiles", """{"name":"x","subject_token_type":"urn:own:{new}","action_id":"a"}""", "id", """{"name":"y"}""")]
    public async Task T_MG_10_of_two_who_read_the_same_version_the_second_is_told(string path, string made, string id, string change)
    {
        var host = await ManagementHost.SharedAsync();
        var resource = path + "/" + (await host.CreateAsync(path, made.Replace("{new}", Identifier.Client())))[id];
        var (_, tag) = await SendAsync(host, "GET", resource, null, null);
        tag.ShouldNotBeNull();

        var replies = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => SendAsync(host, "PATCH", resource, change, tag)));
        replies.Count(reply => reply.Status == 200).ShouldBe(1);
        replies.Count(reply => reply.Status is 412 or 409).ShouldBe(5);

        (await SendAsync(host, "DELETE", resource, null, tag)).Status.ShouldBe(412);
        var next = replies.Single(reply => reply.Status == 200).Tag;
        (await SendAsync(host, "GET", resource, null, null)).Tag.ShouldBe(next);
        (await SendAsync(host, "DELETE", resource, null, next)).Status.ShouldBe(204);
    }

    [Fact]
    public async Task T_MG_10_of_two_who_saw_the_same_signing_key_one_rotates_it_and_a_session_and_a_key_end_as_they_were_seen()
    {
        await using var host = await ManagementHost.StartAsync();
        var keys = (await host.SendAsync("GET", "/keys/signing")).Body!.AsArray();
        var current = "/keys/signing/" + keys.Single(key => (string?)key!["alg"] == "RS256" && (bool)key["current"]!)!["kid"];
        var tag = (await SendAsync(host, "GET", current, null, null)).Tag.ShouldNotBeNull();
        (await SendAsync(host, "POST", "/keys/signing/rotate", null, "\"v99\"")).Status.ShouldBe(412);
        (await SendAsync(host, "POST", "/keys/signing/rotate", null, tag)).Status.ShouldBe(201);

        // The former key has moved on: whoever revokes it by what they saw before is told.
        (await SendAsync(host, "PUT", current + "/revoke", null, tag)).Status.ShouldBe(412);
        var seen = (await SendAsync(host, "GET", current, null, null)).Tag;
        (await SendAsync(host, "PUT", current + "/revoke", null, seen)).Status.ShouldBe(200);

        var session = new Session
        {
            Id = Identifier.Session(),
            CookieHash = Identifier.Hash("x"),
            UserId = "auth0|1",
            AuthenticatedAt = host.Clock.GetUtcNow(),
            IdleExpiresAt = host.Clock.GetUtcNow().AddHours(1),
            AbsoluteExpiresAt = host.Clock.GetUtcNow().AddHours(1),
        };
        await host.Storage.CommitAsync(new Batch().Insert(session));
        var path = "/sessions/" + session.Id;
        (await SendAsync(host, "DELETE", path, null, "\"v99\"")).Status.ShouldBe(412);
        (await SendAsync(host, "DELETE", path, null, (await SendAsync(host, "GET", path, null, null)).Tag)).Status.ShouldBe(202);
    }

    private static async Task<(int Status, string? Tag)> SendAsync(ManagementHost host, string method, string path, string? json, string? tag)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), host.Issuer + "api/v2" + path);
        var scopes = host.Endpoints.SelectMany(e => e.Metadata.GetMetadata<Server.Http.RequiredScope>()?.AnyOf ?? []).Distinct();
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", host.Token(scopes));
        if (tag is not null)
        {
            request.Headers.IfMatch.Add(EntityTagHeaderValue.Parse(tag));
        }

        request.Content = json is null ? null : new StringContent(json, Encoding.UTF8, "application/json");
        using var response = await host.Vault.Api.Http.SendAsync(request);
        return ((int)response.StatusCode, response.Headers.ETag?.ToString());
    }
}
