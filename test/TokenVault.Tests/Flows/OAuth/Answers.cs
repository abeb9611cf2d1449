using System.Buffers.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.WebUtilities;
using TokenVault.Server.Demo;
using TokenVault.Server.Keys.Jose;

namespace TokenVault.Tests.Flows.OAuth;

/// <summary>What tests look for in answers.</summary>
internal static class Answers
{
    public static string? Header(this Answer answer, string name) =>
        answer.Headers.TryGetValues(name, out var values) || answer.ContentHeaders.TryGetValues(name, out values) ? string.Join(", ", values) : null;

    /// <summary>A parameter of the redirect's query.</summary>
    public static string? Redirected(this Answer answer, string parameter) =>
        answer.Headers.Location is { } location && QueryHelpers.ParseQuery(Query(location.OriginalString)).TryGetValue(parameter, out var value) ? value.ToString() : null;

    /// <summary>An error as SDKs need it: 4xx, exactly <c>application/json</c>, never cached, no challenge.</summary>
    public static void ShouldBeRefused(this Answer answer, int status, string error)
    {
        answer.Status.ShouldBe(status, answer.Text);
        answer["error"].ShouldBe(error, answer.Text);
        answer["error_description"].ShouldNotBeNullOrEmpty();
        answer.ShouldBeTokenAnswer();
    }

    public static void ShouldBeGranted(this Answer answer)
    {
        answer.Status.ShouldBe(200, answer.Text);
        answer["token_type"].ShouldBe("Bearer");
        answer["access_token"].ShouldNotBeNullOrEmpty();
        answer.Json["expires_in"]!.GetValueKind().ShouldBe(JsonValueKind.Number);
        answer.ShouldBeTokenAnswer();
    }

    /// <summary>An error page, which sends the browser nowhere.</summary>
    public static void ShouldBeErrorPage(this Answer answer, int status = 400)
    {
        answer.Status.ShouldBe(status, answer.Text);
        answer.Headers.Location.ShouldBeNull();
        answer.Header("Content-Type").ShouldBe("text/html; charset=utf-8");
        answer.Text.ShouldContain("role=\"alert\"");
    }

    /// <summary>An error that the application learns by redirect.</summary>
    public static void ShouldRedirectError(this Answer answer, string error, string? state = "the-state")
    {
        answer.Status.ShouldBe(302, answer.Text);
        answer.Headers.Location!.OriginalString.ShouldStartWith(Operator.Callback + "?");
        answer.Redirected("error").ShouldBe(error);
        answer.Redirected("error_description").ShouldNotBeNullOrEmpty();
        answer.Redirected("state").ShouldBe(state);
        answer.Redirected("code").ShouldBeNull();
    }

    public static void ShouldBeSignInPage(this Visit visit)
    {
        visit.Status.ShouldBe(200);
        visit.Html.ShouldContain("name=\"password\"");
    }

    /// <summary>A JWT's payload, unverified.</summary>
    public static JsonObject Claims(string? jwt) => Part(jwt, 1);

    public static JsonObject JoseHeader(string? jwt) => Part(jwt, 0);

    /// <summary>A JWT's payload, its signature verified with the key that the server publishes.</summary>
    public static async Task<JsonObject> VerifiedClaimsAsync(this OAuthVault vault, string? jwt)
    {
        var header = JoseHeader(jwt);
        using var keys = JsonDocument.Parse((await vault.GetAsync(".well-known/jwks.json")).Text);
        var jwk = keys.RootElement.GetProperty("keys").EnumerateArray().Single(k => k.GetProperty("kid").GetString() == (string?)header["kid"]);
        var key = VerificationKey.FromJwk(jwk, (string)header["alg"]!, out var problem);
        var parts = jwt!.Split('.');
        key.ShouldNotBeNull(problem);
        key.Verify(System.Text.Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}"), Base64Url.DecodeFromChars(parts[2])).ShouldBeTrue();
        return Claims(jwt);
    }

    public static string[] ScopesOf(this Answer answer) => answer["scope"]?.Split(' ') ?? [];

    private static JsonObject Part(string? jwt, int index) => (JsonObject)JsonNode.Parse(Base64Url.DecodeFromChars(jwt!.Split('.')[index]))!;

    private static string Query(string url) => url.Contains('?', StringComparison.Ordinal) ? url[url.IndexOf('?', StringComparison.Ordinal)..].Split('#')[0] : "";

    private static void ShouldBeTokenAnswer(this Answer answer)
    {
        answer.Header("Content-Type").ShouldBe("application/json");
        answer.Header("Cache-Control").ShouldBe("no-store");
        answer.Header("Pragma").ShouldBe("no-cache");
        answer.Header("WWW-Authenticate").ShouldBeNull();
        answer.Header("X-Content-Type-Options").ShouldBe("nosniff");
    }
}
