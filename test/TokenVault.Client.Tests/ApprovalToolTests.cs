using System.Text.Json;
using Microsoft.Extensions.AI;
using TokenVault.Client.Agents;
using TokenVault.Testing;

namespace TokenVault.Client.Tests;

/// <summary>AI functions that need their user's approval.</summary>
public sealed class ApprovalToolTests : IDisposable
{
    private readonly VaultClock _clock = new();
    private readonly StubServer _server = new();
    private readonly TokenVaultClient _client;
    private int _bought;

    public ApprovalToolTests()
    {
        _client = _server.Client(_clock);
        Tool = AIFunctionFactory.Create((string stock, int shares) => { _bought += shares; return $"{shares} {stock}"; }, "buy")
            .WithApproval(_ => new ApprovalRequest("auth0|1", "Buy shares") { Scopes = ["stock:buy"] }, _client);
    }

    private AIFunction Tool { get; }

    [Fact]
    public async Task A_call_waits_for_its_approval_and_then_runs_once()
    {
        Asked("req-1");
        Pending();

        var interrupt = await BuyAsync<ApprovalInterrupt>(3);

        (interrupt.Code, interrupt.IsPending, interrupt.RetryAfter).ShouldBe((ApprovalInterrupt.PendingCode, true, TimeSpan.FromSeconds(5)));
        var requested = _clock.GetUtcNow().ToUnixTimeSeconds();

        // What JSON.stringify says of @auth0/ai's AuthorizationPendingInterrupt with these members.
        interrupt.ToJson().GetRawText().ShouldBe(
            $$$"""{"name":"AUTH0_AI_INTERRUPT","code":"ASYNC_AUTHORIZATION_AUTHORIZATION_PENDING","request":{"id":"req-1","requestedAt":{{{requested}}},"expiresIn":300,"interval":5},"message":"The end-user authorization is pending"}""");

        _server.Next(400, """{"error":"slow_down"}""", retryAfter: TimeSpan.FromSeconds(10));
        var slower = await BuyAsync<ApprovalInterrupt>(3);
        (slower.Code, slower.RetryAfter, slower.ToJson().GetProperty("retryAfter").GetInt32()).ShouldBe((ApprovalInterrupt.PollingCode, TimeSpan.FromSeconds(10), 10));

        Approved();
        (await Tool.InvokeAsync(Arguments(3)))!.ToString().ShouldBe("3 ACME");
        _bought.ShouldBe(3);

        // The next call is another matter.
        Asked("req-2");
        Pending();
        (await BuyAsync<ApprovalInterrupt>(3)).Approval!.Id.ShouldBe("req-2");
        _bought.ShouldBe(3);
    }

    [Fact]
    public async Task An_approval_of_one_call_is_none_of_another_that_reads_the_same()
    {
        Asked("req-1");
        Pending();
        await BuyAsync<ApprovalInterrupt>(3);

        Asked("req-2");
        Pending();
        (await BuyAsync<ApprovalInterrupt>(3000)).Approval!.Id.ShouldBe("req-2");
        Approved();
        await Tool.InvokeAsync(Arguments(3));
        _server.Forms.Last()["auth_req_id"].ShouldBe("req-1");
        _bought.ShouldBe(3);
    }

    [Theory]
    [InlineData("access_denied", ApprovalInterrupt.DeniedCode)]
    [InlineData("expired_token", ApprovalInterrupt.ExpiredCode)]
    [InlineData("invalid_grant", ApprovalInterrupt.InvalidCode)]
    public async Task A_refusal_ends_the_matter_and_may_be_asked_anew(string error, string code)
    {
        Asked("req-1");
        _server.Next(400, $$"""{"error":"{{error}}"}""");

        var interrupt = await BuyAsync<ApprovalInterrupt>(3);

        (interrupt.Code, interrupt.IsPending).ShouldBe((code, false));
        Asked("req-2");
        Pending();
        (await BuyAsync<ApprovalInterrupt>(3)).Approval!.Id.ShouldBe("req-2");
        _bought.ShouldBe(0);
    }

    [Fact]
    public async Task Nobody_can_be_asked()
    {
        _server.Next(400, """{"error":"invalid_request","error_description":"No channel"}""");
        (await BuyAsync<ApprovalInterrupt>(3)).Code.ShouldBe(ApprovalInterrupt.UnavailableCode);

        _server.Next(503, "");
        (await BuyAsync<TokenVaultException>(3)).Failure.ShouldBe(TokenVaultFailure.TemporarilyUnavailable);
        _bought.ShouldBe(0);
    }

    [Fact]
    public async Task A_stored_approval_is_read_again_and_resumed()
    {
        Asked("req-1");
        Pending();
        var interrupt = await BuyAsync<ApprovalInterrupt>(3);
        var call = new FunctionCallContent("call-1", Tool.Name, new Dictionary<string, object?> { ["stock"] = "ACME", ["shares"] = 3 });
        List<ChatMessage> messages = [new(ChatRole.Assistant, [call]), new(ChatRole.Tool, [new FunctionResultContent("call-1", interrupt.ToJson())])];
        var stored = JsonSerializer.Deserialize<List<ChatMessage>>(JsonSerializer.Serialize(messages, AIJsonUtilities.DefaultOptions), AIJsonUtilities.DefaultOptions)!;

        var read = stored.Interrupts().ShouldHaveSingleItem().ShouldBeOfType<ApprovalInterrupt>();
        (read.Code, read.Approval).ShouldBe((interrupt.Code, interrupt.Approval));
        Approved();
        (await stored.ResumeAsync([Tool])).ShouldBeEmpty();
        _bought.ShouldBe(3);
    }

    public void Dispose()
    {
        _client.Dispose();
        _server.Dispose();
    }

    private static AIFunctionArguments Arguments(int shares) => new(new Dictionary<string, object?> { ["stock"] = "ACME", ["shares"] = shares });

    private void Asked(string id) => _server.Next(200, $$"""{"auth_req_id":"{{id}}","expires_in":300,"interval":5}""");

    private void Pending() => _server.Next(400, """{"error":"authorization_pending"}""");

    private void Approved() => _server.Next(200, """{"access_token":"at","expires_in":60}""");

    private Task<T> BuyAsync<T>(int shares)
        where T : Exception => Should.ThrowAsync<T>(Tool.InvokeAsync(Arguments(shares)).AsTask());
}
