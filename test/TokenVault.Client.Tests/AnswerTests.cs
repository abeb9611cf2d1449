using System.Text;

namespace TokenVault.Client.Tests;

/// <summary>Answers of Auth0, which has no <c>reason</c>, and of things that are no Token Vault.</summary>
public sealed class AnswerTests
{
    private static readonly SubjectToken User = SubjectToken.RefreshToken("refresh-token-of-the-user");
    private static readonly TokenRequest Wanted = new("google-oauth2", "calendar.read");

    [Theory]
    [InlineData(401, "federated_connection_refresh_token_not_found", TokenVaultFailure.NotConnected)]
    [InlineData(401, "tokenset_not_found", TokenVaultFailure.NotConnected)]
    [InlineData(401, "federated_connection_refresh_token_flow_failed", TokenVaultFailure.ReauthorizationRequired)]
    [InlineData(400, "invalid_scope", TokenVaultFailure.InsufficientScope)]
    [InlineData(403, "invalid_grant", TokenVaultFailure.SubjectRejected)]
    [InlineData(400, "expired_token", TokenVaultFailure.SubjectRejected)]
    [InlineData(401, "invalid_client", TokenVaultFailure.ClientRejected)]
    [InlineData(403, "unauthorized_client", TokenVaultFailure.PolicyDenied)]
    [InlineData(403, "access_denied", TokenVaultFailure.PolicyDenied)]
    [InlineData(401, "mfa_required", TokenVaultFailure.MultiFactorRequired)]
    [InlineData(400, "invalid_request", TokenVaultFailure.InvalidRequest)]
    [InlineData(400, "unsupported_grant_type", TokenVaultFailure.NotSupported)]
    [InlineData(429, "too_many_requests", TokenVaultFailure.TemporarilyUnavailable)]
    [InlineData(503, "invalid_grant", TokenVaultFailure.TemporarilyUnavailable)]
    [InlineData(400, "something_new", TokenVaultFailure.InvalidRequest)]
    public async Task Without_a_reason_the_code_says_what_to_do(int status, string error, TokenVaultFailure expected)
    {
        using var server = new StubServer();
        using var client = server.Client();
        server.Next(status, $$"""{"error":"{{error}}","error_description":"Because."}""", retryAfter: TimeSpan.FromSeconds(7));

        var e = await Should.ThrowAsync<TokenVaultException>(client.ExchangeAsync(User, Wanted));

        (e.Failure, e.Error, e.Status).ShouldBe((expected, error, status));
        e.RetryAfter.ShouldBe(expected is TokenVaultFailure.TemporarilyUnavailable ? TimeSpan.FromSeconds(7) : null);
        e.MissingScopes.ShouldBe(expected is TokenVaultFailure.InsufficientScope ? ["calendar.read"] : []);
    }

    [Theory]
    [InlineData("not_connected", TokenVaultFailure.NotConnected)]
    [InlineData("reauthorization_required", TokenVaultFailure.ReauthorizationRequired)]
    [InlineData("insufficient_scope", TokenVaultFailure.InsufficientScope)]
    [InlineData("temporarily_unavailable", TokenVaultFailure.TemporarilyUnavailable)]
    [InlineData("approval_required", TokenVaultFailure.ApprovalRequired)]
    [InlineData("policy_denied", TokenVaultFailure.PolicyDenied)]
    [InlineData("a_reason_of_tomorrow", TokenVaultFailure.MultiFactorRequired)]
    public async Task The_reason_goes_before_the_code(string reason, TokenVaultFailure expected)
    {
        using var server = new StubServer();
        using var client = server.Client();
        server.Next(401, $$"""{"error":"mfa_required","reason":"{{reason}}","missing_scopes":["x"]}""");

        (await Should.ThrowAsync<TokenVaultException>(client.ExchangeAsync(User, Wanted))).Failure.ShouldBe(expected);
    }

    [Theory]
    [InlineData(200, "<!doctype html><h1>Welcome</h1>")]
    [InlineData(200, "")]
    [InlineData(200, "{}")]
    [InlineData(200, "{\"access_token\":\"\"}")]
    [InlineData(200, """{"access_token":["a"]}""")]
    [InlineData(302, "")]
    public async Task What_is_no_token_answer_is_said_to_be_none_and_not_repeated(int status, string body)
    {
        using var server = new StubServer();
        using var client = server.Client();
        server.Next(status, body);

        var e = await Should.ThrowAsync<TokenVaultException>(client.ExchangeAsync(User, Wanted));

        e.Failure.ShouldBe(TokenVaultFailure.InvalidAnswer);
        e.ToString().ShouldNotContain("Welcome");
    }

    [Fact]
    public async Task An_endless_answer_is_not_read_to_its_end()
    {
        using var server = new StubServer();
        using var client = server.Client();
        server.Next(200, new StringBuilder().Append('a', 2_000_000).ToString());

        (await Should.ThrowAsync<TokenVaultException>(client.ExchangeAsync(User, Wanted))).Failure.ShouldBe(TokenVaultFailure.InvalidAnswer);
    }

    [Theory]
    [InlineData("""{"issuer":"https://other.example/","token_endpoint":"https://tenant.example/oauth/token"}""", TokenVaultFailure.WrongIssuer)]
    [InlineData("""{"issuer":"https://tenant.example","token_endpoint":"https://tenant.example/oauth/token"}""", TokenVaultFailure.WrongIssuer)]
    [InlineData("""{"issuer":"https://tenant.example/","token_endpoint":"http://tenant.example/oauth/token"}""", TokenVaultFailure.InvalidAnswer)]
    [InlineData("""{"issuer":"https://tenant.example/"}""", TokenVaultFailure.NotSupported)]
    [InlineData("<html>", TokenVaultFailure.InvalidAnswer)]
    public async Task A_discovery_document_that_cannot_be_believed_ends_it(string document, TokenVaultFailure expected)
    {
        using var server = new StubServer { Discovery = document };
        using var client = server.Client();

        (await Should.ThrowAsync<TokenVaultException>(client.ExchangeAsync(User, Wanted))).Failure.ShouldBe(expected);
        server.Forms.ShouldBeEmpty();
    }

    [Fact]
    public async Task Auth0s_answer_is_judged_by_its_scopes_and_carries_what_else_it_has()
    {
        using var server = new StubServer();
        using var client = server.Client();
        const string answer = """{"access_token":"at","token_type":"Bearer","expires_in":600,"scope":"calendar.read,openid","instance_url":"https://eu.example"}""";
        server.Next(200, answer);
        server.Next(200, answer);

        var token = await client.ExchangeAsync(User, Wanted);
        token.Scopes.ShouldBe(["calendar.read", "openid"]);
        token.Further.ShouldBe(new Dictionary<string, string> { ["instance_url"] = "https://eu.example" });
        server.Forms.Last()["scope"].ShouldBe("calendar.read");
        var e = await Should.ThrowAsync<TokenVaultException>(client.ExchangeAsync(User, new("google-oauth2", "calendar.read", "calendar.write")));
        (e.Failure, e.MissingScopes.Single()).ShouldBe((TokenVaultFailure.InsufficientScope, "calendar.write"));
    }

    [Theory]
    [InlineData("3600", 3600)]
    [InlineData("\"3600\"", 3600)]
    [InlineData("3599.5", 3599.5)]
    [InlineData("-1", 0)]
    [InlineData("null", 0)]
    [InlineData("1e300", 10.0 * 365 * 24 * 3600)]
    public async Task A_lifetime_is_read_in_every_form_and_nonsense_breaks_nothing(string expiresIn, double seconds)
    {
        var clock = new Testing.VaultClock();
        using var server = new StubServer();
        using var client = server.Client(clock);
        server.Next(200, $$"""{"access_token":"at","expires_in":{{expiresIn}}}""");

        (await client.GetTokenAsync(User, new("google-oauth2"))).ExpiresAt.ShouldBe(clock.GetUtcNow().AddSeconds(seconds));
    }

    [Fact]
    public async Task A_failed_request_is_not_sent_again()
    {
        using var server = new StubServer();
        using var client = server.Client();
        server.Next(503, """{"error":"temporarily_unavailable"}""");
        server.Next(200, """{"access_token":"at"}""");

        await Should.ThrowAsync<TokenVaultException>(client.ExchangeAsync(User, Wanted));

        server.Forms.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Nothing_secret_is_in_what_is_printed()
    {
        using var server = new StubServer();
        using var client = server.Client();
        server.Next(400, """{"error":"invalid_request","error_description":"line one\nline two"}""");
        server.Next(200, """{"access_token":"canary-token","expires_in":600}""");

        var e = await Should.ThrowAsync<TokenVaultException>(client.ExchangeAsync(User, Wanted));
        var token = await client.ExchangeAsync(User, Wanted);
        var pending = new PendingConnect("google-oauth2", new Uri("https://tenant.example/connect?ticket=canary-t"), "canary-s", "https://app.example/", "canary-a", "canary-v", default);
        object[] all =
        [
            e, token, User, SubjectToken.AccessToken("canary-at"), SubjectToken.ForWorker("auth0|1", "Why"), pending, SigningKey.Create(),
            ClientAuthentication.Secret("canary-secret"), new TokenVaultOptions { ClientSecret = "canary" }, new PendingApproval("canary", default, default, default),
            new ApprovalResult("canary", "canary", default), new AspNetCore.ConnectState(pending, "/", "canary"),
        ];
        foreach (var text in all.Select(one => one.ToString()!))
        {
            text.ShouldNotContain("canary");
            text.ShouldNotContain("refresh-token-of-the-user");
            text.ShouldNotContain("secret-of-the-client");
        }

        e.Message.ShouldNotContain('\n');
    }
}
