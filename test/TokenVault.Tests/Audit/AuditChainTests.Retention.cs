using System.Text.Json.Nodes;
using TokenVault.Server.Audit;

namespace TokenVault.Tests.Audit;

/// <summary>What goes when its time is over, and what is told of it.</summary>
public abstract partial class AuditChainTests
{
    [Fact]
    public async Task Retention_removes_whole_segments_and_the_rest_still_verifies()
    {
        Clock.Advance(TimeSpan.FromDays(40));
        await AppendAsync(300);
        var chain = await NewChainAsync();
        await chain.ExtendAsync(CancellationToken.None);

        // The third segment was begun before and ends after: it stays.
        (await RetireAsync(chain)).ShouldBe(512);

        (await Storage.ReadAuditAsync(0, 1, CancellationToken.None))[0].Sequence.ShouldBe(513);
        (await VerifyAsync(findings: 0)).Chained.ShouldBe(388);
        await ExecuteAsync("DELETE FROM audit WHERE sequence = 513");
        await ExecuteAsync("INSERT INTO audit (sequence, id, at, body, user_id, mac) SELECT 7, id, at, body, user_id, mac FROM audit WHERE sequence = 514");
        var found = await FindAsync();
        found.ShouldContain("row 513 is missing");
        found.ShouldContain(problem => problem.StartsWith("row 7 (") && problem.EndsWith("was inserted before the first row that is kept"));
    }

    [Fact]
    public async Task What_retention_removes_is_told_in_the_commit_that_removes_it()
    {
        Clock.Advance(TimeSpan.FromDays(40));
        var chain = await NewChainAsync();

        // Nothing but the commits of the removal: whatever happens after them, they have said what they did.
        await RetireAsync(chain);

        var told = (await Storage.ReadAuditAsync(Rows, 10, CancellationToken.None)).ShouldHaveSingleItem();
        var entry = JsonNode.Parse(told.Body)!;
        ((string?)entry["type"], (int)entry["details"]!["entries"]!, (int)entry["details"]!["last_sequence"]!).ShouldBe(("audit_retired", 512, 512));
        entry["details"]!["undelivered_log_streams"].ShouldBeNull();
        (await VerifyAsync(findings: 0)).NotChained.ShouldBe(1);
    }

    [Fact]
    public async Task What_a_stream_has_not_had_is_kept_a_week_longer_and_then_the_event_names_the_stream()
    {
        Clock.Advance(TimeSpan.FromDays(31));
        var chain = await NewChainAsync();
        (await RetireAsync(chain, ("behind", 255), ("done", Rows))).ShouldBe(0);
        (await RetireAsync(chain, ("behind", 256), ("done", Rows))).ShouldBe(256);

        Clock.Advance(TimeSpan.FromDays(7));
        (await RetireAsync(chain, ("behind", 256), ("done", Rows))).ShouldBe(256);
        var told = (await Storage.ReadAuditAsync(Rows + 1, 10, CancellationToken.None)).ShouldHaveSingleItem();
        JsonNode.Parse(told.Body)!["details"]!["undelivered_log_streams"]!.ToJsonString().ShouldBe("""["behind"]""");
    }

    private Task<long> RetireAsync(AuditChain chain, params (string Stream, long Position)[] streams) => chain.RetireAsync(
        new RetentionTerms(30, streams.ToDictionary(s => s.Stream, s => s.Position)), new AuditLog(_ring, Clock), CancellationToken.None);
}
