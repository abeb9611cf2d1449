using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace TokenVault.Tests.Flows.OAuth;

/// <summary>Where SDKs begin: the metadata and the keys.</summary>
public sealed class DiscoveryTests(OAuthVault vault) : IClassFixture<OAuthVault>
{
    [Theory]
    [InlineData(".well-known/openid-configuration")]
    [InlineData(".well-known/oauth-authorization-server")]
    public async Task The_issuer_is_byte_for_byte_the_configured_one_oidcc_discovery_endpoint_verification(string path)
    {
        var answer = await vault.GetAsync(path);

        answer.Status.ShouldBe(200);
        answer.Header("Content-Type").ShouldBe("application/json");
        answer["issuer"].ShouldBe(vault.Issuer);
        answer["issuer"]!.ShouldEndWith("/");
        answer["authorization_endpoint"].ShouldBe(vault.Issuer + "authorize");
        answer["token_endpoint"].ShouldBe(vault.Issuer + "oauth/token");
        answer["jwks_uri"].ShouldBe(vault.Issuer + ".well-known/jwks.json");
        answer["revocation_endpoint"].ShouldBe(vault.Issuer + "oauth/revoke");
        answer["userinfo_endpoint"].ShouldBe(vault.Issuer + "userinfo");
        answer["end_session_endpoint"].ShouldBe(vault.Issuer + "oidc/logout");
        Texts(answer.Json["id_token_signing_alg_values_supported"]).ShouldContain("RS256");
        Texts(answer.Json["code_challenge_methods_supported"]).ShouldBe(["S256"]);
        Texts(answer.Json["response_types_supported"]).ShouldBe(["code"]);
        answer.Header("Access-Control-Allow-Origin").ShouldBe("*");
    }

    [Fact]
    public async Task Both_well_known_addresses_say_the_same() =>
        (await vault.GetAsync(".well-known/oauth-authorization-server")).Text.ShouldBe((await vault.GetAsync(".well-known/openid-configuration")).Text);

    [Theory]
    [InlineData("oauth/introspect")]
    [InlineData("introspect")]
    [InlineData("oauth/token/introspect")]
    public async Task T_MG_09_Nobody_is_told_anything_of_another_clients_token(string path)
    {
        var token = (await vault.SignInAsync(vault.Web))["access_token"];
        var answer = await vault.PostAsync(path, "token=" + token);
        answer.Status.ShouldBe(404);
        (await vault.GetAsync(".well-known/openid-configuration")).Text.ShouldNotContain("introspect");
    }

    [Fact]
    public async Task Every_endpoint_that_is_listed_is_there()
    {
        var metadata = (await vault.GetAsync(".well-known/openid-configuration")).Json.AsObject();
        var listed = metadata.Where(member => member.Key.EndsWith("_endpoint", StringComparison.Ordinal) || member.Key == "jwks_uri").ToList();

        listed.Count.ShouldBe(9);
        foreach (var (name, url) in listed)
        {
            var path = ((string)url!)[vault.Issuer.Length..];
            var byPost = name is "token_endpoint" or "revocation_endpoint" or "pushed_authorization_request_endpoint" or "device_authorization_endpoint" or "backchannel_authentication_endpoint";
            var answer = byPost ? await vault.PostAsync(path, "") : await vault.GetAsync(path);
            answer.Status.ShouldNotBe(404, name);
            answer.Status.ShouldNotBe(405, name);
            answer.Status.ShouldBeLessThan(500, name);
        }
    }

    /// <summary>By a client that may use them all: what is listed gets further than that the server does not know it.</summary>
    [Theory]
    [InlineData("authorization_code")]
    [InlineData("refresh_token")]
    [InlineData("client_credentials")]
    [InlineData("password")]
    [InlineData("implicit")]
    [InlineData("urn:ietf:params:oauth:grant-type:device_code")]
    [InlineData("urn:ietf:params:oauth:grant-type:token-exchange")]
    [InlineData("urn:openid:params:grant-type:ciba")]
    [InlineData("urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token")]
    public async Task A_grant_is_known_if_and_only_if_it_is_listed(string grant)
    {
        var listed = Texts((await vault.GetAsync(".well-known/openid-configuration")).Json["grant_types_supported"]).Contains(grant);
        var client = await vault.ClientAsync("Every grant", new JsonObject { ["grant_types"] = new JsonArray(grant) });
        var answer = await vault.TokenAsync(client, ("grant_type", grant));
        (answer["error"] != "unsupported_grant_type").ShouldBe(listed, answer.Text);
    }

    [Fact]
    public async Task Nothing_that_the_server_cannot_do_is_listed()
    {
        var metadata = (await vault.GetAsync(".well-known/openid-configuration")).Json.AsObject();

        foreach (var feature in (string[])["registration_endpoint", "mfa_challenge_endpoint"])
        {
            metadata.ContainsKey(feature).ShouldBeFalse(feature);
        }

        ((bool)metadata["request_parameter_supported"]!).ShouldBeFalse();
        ((bool)metadata["request_uri_parameter_supported"]!).ShouldBeFalse();
    }

    [Fact]
    public async Task The_key_set_holds_the_current_and_the_next_key_of_each_algorithm_and_only_public_parts()
    {
        var answer = await vault.GetAsync(".well-known/jwks.json");
        var keys = answer.Json["keys"]!.AsArray();

        answer.Status.ShouldBe(200);
        answer.Header("Content-Type").ShouldBe("application/json");
        keys.Count(key => (string?)key!["alg"] == "RS256").ShouldBe(2);
        keys.Count(key => (string?)key!["alg"] == "ES256").ShouldBe(2);
        keys.Select(key => (string?)key!["kid"]).Distinct().Count().ShouldBe(4);
        foreach (var key in keys.Select(key => key!.AsObject()))
        {
            ((string?)key["use"]).ShouldBe("sig");
            key.Select(member => member.Key).ShouldNotContain(name => name == "d" || name == "p" || name == "q" || name == "k");
        }
    }

    [Fact]
    public async Task Every_kid_is_the_keys_RFC_7638_thumbprint()
    {
        var keys = (await vault.GetAsync(".well-known/jwks.json")).Json["keys"]!.AsArray();

        foreach (var key in keys.Select(key => key!.AsObject()))
        {
            var text = (string?)key["kty"] == "RSA"
                ? $$"""{"e":"{{key["e"]}}","kty":"RSA","n":"{{key["n"]}}"}"""
                : $$"""{"crv":"{{key["crv"]}}","kty":"EC","x":"{{key["x"]}}","y":"{{key["y"]}}"}""";
            ((string?)key["kid"]).ShouldBe(Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(text))));
        }
    }

    [Fact]
    public async Task Tokens_verify_before_and_after_the_keys_rotate_oidcc_server_rotate_keys()
    {
        var before = await vault.SignInAsync(vault.Web);
        await vault.Server.Service<TokenVault.Server.Keys.SigningKeys>().RotateAsync("RS256", CancellationToken.None);
        var after = await vault.SignInAsync(vault.Web);

        Answers.JoseHeader(after["id_token"])["kid"]!.ToString().ShouldNotBe(Answers.JoseHeader(before["id_token"])["kid"]!.ToString());
        await vault.VerifiedClaimsAsync(before["id_token"]);
        await vault.VerifiedClaimsAsync(after["id_token"]);
        (await vault.GetAsync("userinfo", before["access_token"])).Status.ShouldBe(200);
        (await vault.GetAsync("userinfo", after["access_token"])).Status.ShouldBe(200);
    }

    private static IEnumerable<string?> Texts(JsonNode? array) => array!.AsArray().Select(value => (string?)value);
}
