using System.Text.Json.Nodes;
using TokenVault.Server.Protocol;
using TokenVault.Tests.Flows.OAuth;

namespace TokenVault.Tests.Flows.Workers;

/// <summary>The client assertion and the subject JWT in more than a thousand wrong forms: none is accepted. These tests move the clock.</summary>
public sealed class NegativeVectorTests(WorkerScene scene) : IClassFixture<WorkerScene>
{
    [Theory]
    [InlineData("ES256", 430)]
    [InlineData("RS256", 430)]
    public async Task T_CA_06_and_T_CA_07_no_wrong_client_assertion_is_accepted(string alg, int atLeast)
    {
        var worker = await scene.NewWorkerAsync(alg: alg);
        var issuer = scene.Vault.Issuer;
        var vectors = new NegativeVectors(worker.Authentication, () => Header(alg, "JWT"), () => Claims(worker.Assertion()), scene.Clock.GetUtcNow);
        var all = vectors.All()
            .Concat(vectors.Header("typ", "\"token-vault-req+jwt\"", "\"dpop+jwt\"", "\"jwt\""))
            .Concat(vectors.Text("iss", $"\"{worker.ClientId.ToUpperInvariant()}x\"", $"\"{worker.ClientId} \"", $"\"{worker.ClientId}/\"", $"\"{issuer}\"", $"[\"{worker.ClientId}\"]"))
            .Concat(vectors.Text("sub", $"\"{worker.ClientId.ToUpperInvariant()}x\"", $"\"{worker.ClientId} \"", $"\"{scene.User.Id}\"", $"[\"{worker.ClientId}\"]"))
            .Concat(vectors.Text("aud", Audiences(issuer)))
            .Concat(vectors.Claim("jti", required: true, "null", "1", "true", "[]", "{}", "\"\"", "[\"a\"]", $"\"{new string('j', 257)}\"", "\"\\ud800\""))
            .Concat(vectors.Date("exp", required: true, -61, -3600, 3662, 7200, 86_400, 31_536_000, 3_000_000_000))
            .Concat(vectors.Date("iat", required: true, 62, 3600, -3662, -86_400, 1_000_000))
            .Concat(vectors.Date("nbf", required: false, 62, 3600, 86_400, 3_000_000_000));
        var count = 0;
        foreach (var (name, token) in all)
        {
            var form = worker.Request("", ("client_assertion", token), ("grant_type", Wire.ClientCredentials), ("audience", "https://api.example/"));
            var answer = await scene.Vault.Api.FormAsync("oauth/token", form);
            answer.ShouldBeRefused(401, "invalid_client");
            name.ShouldNotBeNull();

            // Or else the tenth failure in a minute would be the reason of the eleventh.
            scene.Clock.Advance(TimeSpan.FromSeconds(++count % 9 == 0 ? 61 : 0));
        }

        count.ShouldBeGreaterThanOrEqualTo(atLeast);
        (await worker.ExchangeAsync(scene.User.Id)).ShouldBeGranted();
    }

    [Theory]
    [InlineData("ES256", 460)]
    [InlineData("RS256", 460)]
    public async Task T_PW_01_to_T_PW_13_no_wrong_subject_token_is_accepted(string alg, int atLeast)
    {
        var worker = await scene.NewWorkerAsync(alg: alg);
        var issuer = scene.Vault.Issuer;
        var vectors = new NegativeVectors(worker.Subjects, () => Header(alg, "token-vault-req+jwt"), () => Claims(worker.SubjectToken(scene.User.Id)), scene.Clock.GetUtcNow);
        var all = vectors.All()
            .Concat(vectors.Header("typ", null, "\"\"", "\"JWT\"", "\"jwt\"", "\"dpop+jwt\"", "\"Token-Vault-Req+JWT\"", "\"token-vault-req\"", "\"client-authentication+jwt\""))
            .Concat(vectors.Text("iss", $"\"{worker.ClientId.ToUpperInvariant()}x\"", $"\"{worker.ClientId} \"", $"\"{scene.App.Credentials.ClientId}\"", $"\"{issuer}\"", $"[\"{worker.ClientId}\"]"))
            .Concat(vectors.Claim("sub", required: true, "null", "1", "true", "[]", "{}", "\"\"", "\"a\\u0000\"", "\"a\\nb\"", $"\"{new string('s', 257)}\"", "[\"auth0|1\"]", "\"\\ud800\""))
            .Concat(vectors.Text("aud", [.. Audiences(issuer), $"\"{issuer}oauth/token\"", $"\"{issuer.TrimEnd('/')}\""]))
            .Concat(vectors.Claim("jti", required: true, "null", "1", "true", "[]", "{}", "\"\"", "[\"a\"]", $"\"{new string('j', 257)}\"", "\"\\ud800\""))
            .Concat(vectors.Claim("audit_context", required: true, Contexts()))
            .Concat(vectors.Date("exp", required: false, -61, -3600, 3662, 7200, 86_400, 31_536_000, 3_000_000_000))
            .Concat(vectors.Date("iat", required: true, 62, 3600, -3662, -86_400, 1_000_000))
            .Concat(vectors.Date("nbf", required: false, 62, 3600, 86_400, 3_000_000_000));
        var count = 0;
        foreach (var (name, token) in all)
        {
            var answer = await worker.SendAsync(token);
            answer.Status.ShouldBe(401, $"{name}: {answer.Text}");
            answer["error"].ShouldBe("invalid_grant", name);
            count++;
        }

        count.ShouldBeGreaterThanOrEqualTo(atLeast);
        (await worker.ExchangeAsync(scene.User.Id)).ShouldBeGranted();
    }

    /// <summary>What breaks lines, hides text or turns it round does not reach the log; what is only odd does, as it is.</summary>
    [Theory]
    [InlineData("Robert'); DROP TABLE users;--")]
    [InlineData("<script>alert(1)</script> ${jndi:ldap://x} %s%n {{7*7}}")]
    [InlineData("社會科學院語學研究所 Ωåß∂ƒ ˙∆˚ 😍 𝒜")]
    public async Task T_PW_11_the_reason_is_logged_as_it_was_given(string text)
    {
        var worker = await scene.NewWorkerAsync();
        (await worker.SendAsync(worker.SubjectToken(scene.User.Id, claims => claims["audit_context"] = text))).ShouldBeGranted();
        ((string?)(await scene.AuditAsync("seta", scene.User.Id))[^1]["details"]!["audit_context"]).ShouldBe(text);
    }

    [Fact]
    public async Task T_PW_11_256_characters_are_counted_as_characters()
    {
        var worker = await scene.NewWorkerAsync();
        var long_ = string.Concat(Enumerable.Repeat("😍", 256));
        (await worker.SendAsync(worker.SubjectToken(scene.User.Id, claims => claims["audit_context"] = long_))).ShouldBeGranted();
        PrivilegedExchangeTests.Invalid(await worker.SendAsync(worker.SubjectToken(scene.User.Id, claims => claims["audit_context"] = long_ + "a")));
    }

    [Fact]
    public async Task A_subject_token_without_an_end_is_good_for_a_minute()
    {
        var worker = await scene.NewWorkerAsync();
        string Token(int age) => worker.SubjectToken(scene.User.Id, claims =>
        {
            claims.Remove("exp");
            claims["iat"] = scene.Clock.GetUtcNow().AddSeconds(-age).ToUnixTimeSeconds();
        });
        (await worker.SendAsync(Token(119))).ShouldBeGranted();
        PrivilegedExchangeTests.Invalid(await worker.SendAsync(Token(121)));
    }

    private static string[] Contexts() =>
    [
        "null", "1", "[]", "{}", "true", "\"\"", "\" \"", $"\"{new string('c', 257)}\"", "\"a\\nb\"", "\"a\\rb\"", "\"a\\r\\nset-cookie: x\"", "\"\\u001b[31mred\"", "\"\\u0000\"",
        "\"a\\u0007\"", "\"\\u202eevil\"", "\"\\u2066a\"", "\"\\u200fa\"", "\"a\\u2028b\"", "\"a\\u2029b\"", "\"\\ufeffa\"", "\"a\\u200b\"", "\"\\u0085\"", "\"\\u007f\"", "\"a\\tb\"",
        "\"\\ud800\"", "\"\\udb40\\udc01\"",
    ];

    private static string[] Audiences(string issuer) =>
    [
        $"\"{issuer.ToUpperInvariant()}\"", $"\"{issuer} \"", $"\" {issuer}\"", $"\"{issuer}x\"", $"\"{issuer}me/\"", $"\"{issuer}api/v2/\"", $"\"{issuer}oauth/token/\"", $"\"{issuer}authorize\"",
        $"\"{issuer.Replace("https", "http", StringComparison.Ordinal)}\"", $"[\"{issuer}\"]", $"[\"{issuer}\",\"https://other.example/\"]", "\"https://other.example/oauth/token\"", "\"https://other.example/\"",
        $"\"{new Uri(issuer).Authority}\"", $"\"{issuer}?x=1\"", $"\"{issuer}#\"",
    ];

    private static JsonObject Header(string alg, string typ) => new() { ["alg"] = alg, ["typ"] = typ };

    private static JsonObject Claims(string token) => Answers.Claims(token);
}
