using System.Collections.Concurrent;
using System.Text.Json;
using TokenVault.Testing;

namespace TokenVault.Client.Tests;

/// <summary>Approvals by CIBA, as Auth0 answers them.</summary>
public sealed class ApprovalTests
{
    private static readonly ApprovalRequest Question = new("auth0|1", "Buy 3 shares")
    {
        Scopes = ["stock:buy"],
        Audience = "https://api.example/",
        Expiry = TimeSpan.FromSeconds(120),
    };

    [Fact]
    public async Task A_user_is_asked_and_says_yes()
    {
        var clock = new VaultClock();
        using var server = new StubServer();
        using var client = server.Client(clock);
        server.Next(200, """{"auth_req_id":"req-1","expires_in":120,"interval":5}""");

        var approval = await client.RequestApprovalAsync(Question);

        (approval.Id, approval.Interval, approval.ExpiresAt).ShouldBe(("req-1", TimeSpan.FromSeconds(5), clock.GetUtcNow().AddMinutes(2)));
        var form = server.Forms.Single();
        (form["scope"], form["binding_message"], form["audience"], form["requested_expiry"]).ShouldBe(("openid stock:buy", "Buy 3 shares", "https://api.example/", "120"));
        JsonElement.Parse(form["login_hint"]).GetProperty("sub").GetString().ShouldBe("auth0|1");
        JsonElement.Parse(form["login_hint"]).GetProperty("iss").GetString().ShouldBe(StubServer.Issuer);

        server.Next(400, """{"error":"authorization_pending"}""");
        (await client.CheckApprovalAsync(approval)).CheckAgainAfter.ShouldBe(TimeSpan.FromSeconds(5));
        server.Next(400, """{"error":"slow_down"}""", retryAfter: TimeSpan.FromSeconds(10));
        (await client.CheckApprovalAsync(approval)).CheckAgainAfter.ShouldBe(TimeSpan.FromSeconds(10));
        server.Next(200, """{"access_token":"at","id_token":"it","expires_in":60}""");
        var yes = await client.CheckApprovalAsync(approval);
        (yes.IsApproved, yes.AccessToken, yes.IdToken, yes.ExpiresAt).ShouldBe((true, "at", "it", clock.GetUtcNow().AddMinutes(1)));
        (server.Forms.Last()["grant_type"], server.Forms.Last()["auth_req_id"]).ShouldBe(("urn:openid:params:grant-type:ciba", "req-1"));
    }

    [Theory]
    [InlineData("access_denied", TokenVaultFailure.ApprovalDenied)]
    [InlineData("expired_token", TokenVaultFailure.ApprovalExpired)]
    [InlineData("invalid_grant", TokenVaultFailure.ApprovalExpired)]
    [InlineData("invalid_client", TokenVaultFailure.ClientRejected)]
    public async Task A_user_does_not_say_yes(string error, TokenVaultFailure expected)
    {
        using var server = new StubServer();
        using var client = server.Client();
        server.Next(400, $$"""{"error":"{{error}}"}""");

        (await Should.ThrowAsync<TokenVaultException>(client.CheckApprovalAsync(new PendingApproval("r", default, default, default)))).Failure.ShouldBe(expected);
    }

    [Theory]
    [InlineData("invalid_request", TokenVaultFailure.ApprovalUnavailable)]
    [InlineData("unauthorized_client", TokenVaultFailure.PolicyDenied)]
    [InlineData("access_denied", TokenVaultFailure.PolicyDenied)]
    public async Task A_user_cannot_be_asked(string error, TokenVaultFailure expected)
    {
        using var server = new StubServer();
        using var client = server.Client();
        server.Next(400, $$"""{"error":"{{error}}"}""");

        (await Should.ThrowAsync<TokenVaultException>(client.RequestApprovalAsync(Question))).Failure.ShouldBe(expected);
    }

    [Fact]
    public async Task A_server_that_offers_no_approvals_is_not_asked()
    {
        using var server = new StubServer { Discovery = $$"""{"issuer":"{{StubServer.Issuer}}","token_endpoint":"{{StubServer.Issuer}}oauth/token"}""" };
        using var client = server.Client();

        (await Should.ThrowAsync<TokenVaultException>(client.RequestApprovalAsync(Question))).Failure.ShouldBe(TokenVaultFailure.NotSupported);
        server.Forms.ShouldBeEmpty();
    }

    [Fact]
    public async Task Waiting_looks_as_often_as_it_may_and_ends_with_the_answer_or_the_time()
    {
        var clock = new VaultClock();
        using var server = new StubServer();
        using var client = server.Client(clock);
        server.Next(400, """{"error":"authorization_pending"}""");
        server.Next(400, """{"error":"slow_down"}""");
        server.Next(200, """{"access_token":"at"}""");

        // On a busy machine the clock runs far ahead of the client: not as far as this.
        var approval = new PendingApproval("r", clock.GetUtcNow(), clock.GetUtcNow().AddYears(1), TimeSpan.FromSeconds(5));

        var seen = new ConcurrentQueue<DateTimeOffset>([clock.GetUtcNow()]);
        server.Asked = () => seen.Enqueue(clock.GetUtcNow());
        var waiting = client.WaitForApprovalAsync(approval);
        while (!waiting.IsCompleted)
        {
            clock.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Yield();
        }

        var waits = seen.Zip(seen.Skip(1), (from, until) => until - from).ToList();
        waits.Count.ShouldBe(3);
        waits[0].ShouldBeGreaterThanOrEqualTo(TimeSpan.FromSeconds(5));
        waits[1].ShouldBeGreaterThanOrEqualTo(TimeSpan.FromSeconds(5));
        waits[2].ShouldBeGreaterThanOrEqualTo(TimeSpan.FromSeconds(10));
        (await waiting).IsApproved.ShouldBeTrue();
        using var given_up = new CancellationTokenSource();
        var second = client.WaitForApprovalAsync(approval, given_up.Token);
        await given_up.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(second);
    }
}
