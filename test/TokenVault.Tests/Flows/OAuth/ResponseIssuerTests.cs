using System.Net;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.WebUtilities;
using TokenVault.Server.Demo;

namespace TokenVault.Tests.Flows.OAuth;

/// <summary>Every authorization response says whose it is (RFC 9207), whatever it says besides and whichever way it takes.</summary>
public sealed class ResponseIssuerTests(OAuthVault vault) : IClassFixture<OAuthVault>
{
    [Theory]
    [InlineData("query", "openid", null)]
    [InlineData("query", "openid", "none")]
    [InlineData("fragment", "openid", null)]
    [InlineData("fragment", "openid", "none")]
    [InlineData("form_post", "openid", null)]
    [InlineData("form_post", "openid", "none")]
    [InlineData("web_message", "openid", "none")]
    [InlineData("query", "one\\two", null)]
    public async Task T_CF_06_The_answer_names_the_issuer_as_discovery_does(string mode, string scope, string? prompt)
    {
        var client = await vault.ClientAsync("Issuer " + mode + scope + prompt, new() { ["web_origins"] = new System.Text.Json.Nodes.JsonArray(OAuthVault.Origin) });
        using var signedIn = prompt is null ? await vault.SignedInBrowserAsync() : vault.Server.NewBrowser();

        var answer = await vault.AuthorizeAsync(client, signedIn, ("response_mode", mode), ("prompt", prompt), ("scope", scope));

        var members = Members(answer, mode);
        members["iss"].ShouldBe((await vault.GetAsync(".well-known/openid-configuration"))["issuer"]);
        members["state"].ShouldBe("the-state");
        members.ContainsKey(prompt is null && scope == "openid" ? "code" : "error").ShouldBeTrue();
    }

    [Fact]
    public async Task What_the_user_denies_is_answered_with_the_issuer_too()
    {
        var client = await vault.ClientAsync("Somebody else's", new() { ["is_first_party"] = false });
        using var browser = await vault.SignedInBrowserAsync();
        var page = await browser.GoAsync(vault.AuthorizeUrl(client), Operator.Callback);

        var back = await browser.SubmitAsync(page, new Dictionary<string, string> { ["action"] = "deny" }, Operator.Callback);

        back["error"].ShouldBe("access_denied");
        back["iss"].ShouldBe(vault.Issuer);
    }

    [Fact]
    public async Task Discovery_says_so() =>
        ((bool)(await vault.GetAsync(".well-known/openid-configuration")).Json["authorization_response_iss_parameter_supported"]!).ShouldBeTrue();

    private static Dictionary<string, string> Members(Answer answer, string mode)
    {
        if (mode is "query" or "fragment")
        {
            answer.Status.ShouldBe(302, answer.Text);
            var uri = answer.Headers.Location!;
            return QueryHelpers.ParseQuery(mode == "query" ? uri.Query : uri.Fragment.TrimStart('#')).ToDictionary(p => p.Key, p => p.Value.ToString());
        }

        answer.Status.ShouldBe(200, answer.Text);
        var html = WebUtility.HtmlDecode(answer.Text);
        var pattern = mode == "form_post" ? "name=\"([a-z_]+)\" value=\"([^\"]*)\"" : "\"([a-z_]+)\":\"([^\"]*)\"";
        return Regex.Matches(html, pattern).DistinctBy(m => m.Groups[1].Value).ToDictionary(m => m.Groups[1].Value, m => m.Groups[2].Value);
    }
}
