using TokenVault.Server.Clients;
using TokenVault.Server.Connections;
using TokenVault.Server.Exchange;
using TokenVault.Server.Http;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Tokensets;

namespace TokenVault.Tests.Exchange;

public sealed class ApprovalRulesTests
{
    private static readonly Client Application = new() { ClientId = "client", Name = "Application" };

    private static readonly Tokenset Held = new()
    {
        Id = "ts",
        AccountId = "cac",
        UserId = "user",
        ConnectionId = "con",
        Connection = "calendar",
        GrantId = "grant",
        SealedTokens = [],
        Scopes = ["calendar.read", "email"],
    };

    [Theory]
    [InlineData(false, "", false)]
    [InlineData(true, "", true)]
    [InlineData(false, "calendar.write", false)]
    [InlineData(false, "calendar.read", true)]
    [InlineData(false, "calendar.write email", true)]
    public void A_rule_goes_by_what_the_token_is_good_for(bool required, string scopes, bool demanded)
    {
        var connection = Connection(new ConnectionApproval { Required = required, Scopes = Scope.Parse(scopes) });
        (ApprovalRules.Demanded(connection, Application, Held.Scopes) is not null).ShouldBe(demanded);
    }

    [Fact]
    public async Task Where_no_rule_demands_an_approval_nothing_is_read()
    {
        // Neither a store nor anything else is there to be asked.
        var approvals = new ExchangeApprovals(storage: null!, requests: null!);
        var attempt = new ExchangeAttempt(
            new ExchangeRequest(new Secret("x"), Wire.RefreshTokenType, Wire.FederatedAccessTokenType, "calendar"), Application, new RequestOrigin(Ip: null, UserAgent: null));
        foreach (var rule in (ConnectionApproval?[])[null, new ConnectionApproval { Scopes = ["calendar.write"] }])
        {
            var found = approvals.FindAsync(attempt, Connection(rule), Held, CancellationToken.None);
            found.IsCompletedSuccessfully.ShouldBeTrue();
            (await found).ShouldBe((null, null));
        }
    }

    private static Connection Connection(ConnectionApproval? approval) => new() { Id = "con", Name = "calendar", Strategy = "oidc", Approval = approval };
}
