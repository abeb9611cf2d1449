using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using TokenVault.Server.Audit;

namespace TokenVault.Tests.Audit;

/// <summary>What operators' tools read of an exchange.</summary>
public sealed class ExchangeDetailsTests
{
    [Fact]
    public void What_there_is_not_is_left_out_and_a_token_without_an_end_says_so() => Written(Least).ShouldBe(
        """
        {"subject_token_type":"s","issued_token_type":"i","scope":"a b","expires_at":null,"is_privileged_worker":false,"token_thumbprint":"00","tokenset_id":"fct_1","connected_account_id":"cac_1"}
        """);

    [Fact]
    public void T_PW_10_what_an_alarm_looks_for_is_there() => Written(Least with { ExpiresAt = "2026-11-22", AuditContext = "why", ApprovalId = "apr_1", RefreshTokenIssued = true }).ShouldEndWith(
        ""","connected_account_id":"cac_1","audit_context":"why","approval_id":"apr_1","refresh_token_issued":true}""");

    private static ExchangeDetails Least => new()
    {
        SubjectTokenType = "s",
        IssuedTokenType = "i",
        Scope = "a b",
        ExpiresAt = null,
        IsPrivilegedWorker = false,
        TokenThumbprint = "00",
        TokensetId = "fct_1",
        ConnectedAccountId = "cac_1",
    };

    private static string Written(ExchangeDetails details)
    {
        var entry = new AuditEvent { Type = AuditType.SuccessfulVaultExchange, Details = JsonValue.Create(details, AuditJson.Default.ExchangeDetails) };
        var json = Encoding.UTF8.GetString(JsonSerializer.SerializeToUtf8Bytes(entry, AuditJson.Default.AuditEvent));
        return json[(json.IndexOf("\"details\":", StringComparison.Ordinal) + "\"details\":".Length)..^1];
    }
}
