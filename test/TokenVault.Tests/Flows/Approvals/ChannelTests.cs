using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using TokenVault.Server.Approvals;
using TokenVault.Server.Storage;
using TokenVault.Testing;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Flows.Approvals;

/// <summary>How users hear of what waits for them: by a webhook of the operator's, and by e-mail.</summary>
public sealed class ChannelTests : ApprovalScene
{
    private const string Secret = "a-webhook-secret-of-many-letters";

    private MailReceiver _mail = null!;
    private WebhookReceiver _hook = null!;

    private protected override IReadOnlyDictionary<string, string?> Settings => new Dictionary<string, string?>
    {
        ["TokenVault:Approvals:RequestsPerMinute"] = "5",
        ["TokenVault:Approvals:Webhook:Url"] = _hook.Address,
        ["TokenVault:Approvals:Webhook:Secret"] = Secret,
        ["TokenVault:Approvals:Mail:Host"] = "127.0.0.1",
        ["TokenVault:Approvals:Mail:Port"] = _mail.Port.ToString(System.Globalization.CultureInfo.InvariantCulture),
        ["TokenVault:Approvals:Mail:StartTls"] = "false",
        ["TokenVault:Approvals:Mail:From"] = "vault@example.com",
    };

    public override async Task InitializeAsync()
    {
        _hook = await WebhookReceiver.StartAsync();
        _mail = MailReceiver.Start();
        await base.InitializeAsync();
    }

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        await _hook.DisposeAsync();
        await _mail.DisposeAsync();
    }

    [Fact]
    public async Task The_webhook_gets_a_signed_link_that_leads_to_the_tokens()
    {
        var user = await NewUserAsync();
        var asked = await AskedAsync(user.Id, ("authorization_details", "[{\"type\":\"payment\"}]"));
        await UntilAsync(() => Task.FromResult(_hook.Accepted.Count > 0));
        var delivery = _hook.Accepted.ShouldHaveSingleItem();
        var body = JsonNode.Parse(delivery.Body)!;
        ((string?)body["type"]).ShouldBe("approval.requested");
        var approval = body["approval"]!;
        ((string?)approval["uri"]).ShouldBe(asked.Uri);
        ((string?)approval["user_id"]).ShouldBe(user.Id);
        ((string?)approval["client_name"]).ShouldBe("Application");
        ((string?)approval["binding_message"]).ShouldBe("Order 17: 2 books");
        ((string?)approval["authorization_details"]![0]!["type"]).ShouldBe("payment");
        delivery.Body.ShouldNotContain(asked.Id);

        var signature = delivery.Headers["TokenVault-Signature"].ToString();
        var signed = signature[..signature.IndexOf(",v1=", StringComparison.Ordinal)];
        var mac = HMACSHA256.HashData(Encoding.UTF8.GetBytes(Secret), Encoding.UTF8.GetBytes($"{signed}.{delivery.Body}"));
        signature.ShouldBe($"{signed},v1={Convert.ToHexStringLower(mac)}");

        await ApproveAsync(user.Browser, (string)approval["uri"]!);
        (await PollAsync(asked.Id)).Status.ShouldBe(200);
    }

    [Fact]
    public async Task A_channel_that_is_away_delays_nobody_and_is_tried_again_until_the_user_has_answered()
    {
        (_hook.Status, _mail.Busy) = (500, true);
        var user = await VerifiedUserAsync();
        var asked = await AskedAsync(user.Id);
        await TickUntilAsync(() => Task.FromResult(_hook.Calls > 1 && _mail.Calls > 1));
        (_hook.Status, _mail.Busy) = (204, false);
        await TickUntilAsync(() => Task.FromResult(_hook.Accepted.Count > 0 && _mail.Accepted.Count > 0));
        await TickUntilAsync(async () => (await NoticesAsync()).Count == 0);
        (_hook.Accepted.Count, _mail.Accepted.Count).ShouldBe((1, 1));

        (_hook.Status, _mail.Busy) = (500, true);
        var answered = await AskedAsync(user.Id);
        var calls = _hook.Calls;
        await TickUntilAsync(() => Task.FromResult(_hook.Calls > calls));
        await DenyAsync(user.Browser, answered.Uri);
        (_hook.Status, _mail.Busy) = (204, false);
        await TickUntilAsync(async () => (await NoticesAsync()).Count == 0);
        (_hook.Accepted.Count, _mail.Accepted.Count).ShouldBe((1, 1));
        Vault.Log.Text.ShouldNotContain(asked.Id);
    }

    [Fact]
    public async Task What_was_to_go_through_a_channel_that_is_not_set_up_any_more_keeps_no_other_waiting()
    {
        var user = await NewUserAsync();
        var asked = await AskedAsync(user.Id);
        var row = (await RowAsync(asked.Uri))!;
        var strays = new Batch();
        for (var i = 0; i < 20; i++)
        {
            strays.Insert(new ApprovalNotice
            {
                Id = $"apn_{i:00}",
                ApprovalId = row.Id,
                Channel = "pager",
                UserId = user.Id,
                ClientId = row.ClientId,
                NextAttemptAt = row.RequestedAt,
                EndsAt = row.Deadline,
            });
        }

        (await Storage.CommitAsync(strays)).Committed.ShouldBeTrue();
        var next = await AskedAsync(user.Id);
        await TickUntilAsync(() => Task.FromResult(_hook.Accepted.Any(delivery => delivery.Body.Contains(next.Uri, StringComparison.Ordinal))));
    }

    [Fact]
    public async Task Mail_goes_to_verified_addresses_only_and_what_the_client_wrote_stays_on_its_line()
    {
        var (unverified, verified) = (await NewUserAsync(), await VerifiedUserAsync());
        await AskedAsync(unverified.Id);
        var asked = await AskedAsync(verified.Id, ("scope", "openid"));
        await UntilAsync(async () => (await NoticesAsync()).Count == 0);
        var mail = _mail.Accepted.ShouldHaveSingleItem();
        mail.ShouldContain($"RCPT TO:<{verified.Email}>");
        var text = Decoded(mail);
        text.ShouldContain("The application \"Application\" asks for your approval.");
        text.ShouldContain("Its message to you: Order 17: 2 books");
        text.ShouldContain(asked.Uri);
        ApprovalMessage.OneLine("one\r\nBcc: two\u2028three").ShouldBe("one  Bcc: two three");
    }

    [Fact]
    public async Task T_DO_06_One_user_is_asked_so_many_times_a_minute_whoever_asks()
    {
        for (var i = 0; i < 5; i++)
        {
            await AskedAsync(User.Id);
        }

        var refused = await AskAsync(User.Id);
        refused.Status.ShouldBe(429, refused.Text);
        refused["error"].ShouldBe("too_many_requests");
        refused.Headers.RetryAfter!.Delta.ShouldNotBeNull();
        Clock.Advance(TimeSpan.FromMinutes(1));
        await AskedAsync(User.Id);
    }

    private async Task<TestUser> VerifiedUserAsync()
    {
        var user = await NewUserAsync();
        var answer = await (await AdminAsync()).PatchAsync("users/" + Uri.EscapeDataString(user.Id), new JsonObject { ["email_verified"] = true });
        answer.Status.ShouldBe(200, answer.Text);
        return user;
    }

    private ValueTask<List<ApprovalNotice>> NoticesAsync() => Storage.ListAllAsync<ApprovalNotice>(index: null, CancellationToken.None);

    private static string Decoded(string mail)
    {
        var body = mail[(mail.IndexOf("\n\n", StringComparison.Ordinal) + 2)..];
        return mail.Contains("base64", StringComparison.Ordinal)
            ? Encoding.UTF8.GetString(Convert.FromBase64String(body.Replace("\n", "", StringComparison.Ordinal).Trim()))
            : body.Replace("=\n", "", StringComparison.Ordinal).Replace("=3D", "=", StringComparison.Ordinal);
    }
}
