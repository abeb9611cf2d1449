using System.Security.Cryptography;
using TokenVault.Server.Audit;
using TokenVault.Server.Keys;
using TokenVault.Server.Storage;
using TokenVault.Testing;

namespace TokenVault.Tests.Audit;

/// <summary>
/// T-AU-03 on every engine: whoever writes to the database behind the server's back is found out. Each test has a store of its own with a
/// chained log, and changes it by SQL.
/// </summary>
public abstract partial class AuditChainTests : IAsyncLifetime
{
    private const int Rows = 600;

    private readonly KeyRing _ring = NewRing();
    private IStorage? _storage;

    private protected VaultClock Clock { get; } = new();

    private IStorage Storage => _storage!;

    public async Task InitializeAsync()
    {
        _storage = await OpenAsync();
        await AppendAsync(Rows);
        await (await NewChainAsync()).ExtendAsync(CancellationToken.None);
    }

    public async Task DisposeAsync()
    {
        await Storage.DisposeAsync();
        await _ring.DisposeAsync();
        await RemoveAsync();
    }

    [Fact]
    public async Task T_AU_03_An_untouched_log_verifies_and_goes_on()
    {
        await AppendAsync(7);
        (await VerifyAsync(findings: 0)).ShouldSatisfyAllConditions(v => v.Chained.ShouldBe(Rows), v => v.NotChained.ShouldBe(7));

        var chain = await NewChainAsync();
        await chain.ExtendAsync(CancellationToken.None);
        var verdict = await VerifyAsync(findings: 0);

        verdict.Chained.ShouldBe(Rows + 7);
        verdict.Head!.LastSequence.ShouldBe(Rows + 7);
        verdict.Head.LastSegment.ShouldBe(3);
        chain.Head!.ToString().ShouldBe(verdict.Head.ToString());
    }

    [Fact]
    public async Task T_AU_03_An_altered_row_is_named()
    {
        await ExecuteAsync(AlterBody(300));
        (await FindAsync()).ShouldHaveSingleItem().ShouldMatch("^row 300 .* was altered$");
    }

    [Theory]
    [InlineData("UPDATE audit SET id = '900x' WHERE sequence = 5")]
    [InlineData("UPDATE audit SET at = at + 1 WHERE sequence = 5")]
    [InlineData("UPDATE audit SET user_id = 'auth0|other' WHERE sequence = 5")]
    [InlineData("UPDATE audit SET user_id = NULL WHERE sequence = 5")]
    public async Task T_AU_03_Every_column_of_a_row_is_covered(string sql)
    {
        await ExecuteAsync(sql);
        (await FindAsync()).ShouldHaveSingleItem().ShouldMatch("^row 5 .* was altered$");
    }

    [Fact]
    public async Task T_AU_03_A_deleted_row_is_named()
    {
        await ExecuteAsync("DELETE FROM audit WHERE sequence = 17");
        (await FindAsync()).ShouldBe(["row 17 is missing"]);
    }

    [Fact]
    public async Task T_AU_03_Two_rows_that_changed_places_are_named()
    {
        await ExecuteAsync("UPDATE audit SET sequence = -4 WHERE sequence = 4");
        await ExecuteAsync("UPDATE audit SET sequence = 4 WHERE sequence = 5");
        await ExecuteAsync("UPDATE audit SET sequence = 5 WHERE sequence = -4");

        var found = await FindAsync();

        found.Count.ShouldBe(2);
        found[0].ShouldMatch("^row 4 .* is not the one that was written there");
        found[1].ShouldMatch("^row 5 .* is not the one that was written there");
    }

    [Fact]
    public async Task T_AU_03_A_forged_row_is_named_at_the_beginning_in_the_middle_and_at_the_end()
    {
        await ExecuteAsync("DELETE FROM audit WHERE sequence = 30");
        await ExecuteAsync("INSERT INTO audit (sequence, id, at, body) SELECT 30, id, at, body FROM audit WHERE sequence = 31");
        await ExecuteAsync("INSERT INTO audit (sequence, id, at, body) SELECT 0, '900', at, body FROM audit WHERE sequence = 31");
        await ExecuteAsync("INSERT INTO audit (id, at, body) SELECT '900z', at, body FROM audit WHERE sequence = 31");

        var found = await FindAsync();

        found.ShouldContain("row 0 (900) was inserted before the first row that is kept");
        found.ShouldContain(problem => problem.StartsWith("row 30 (") && problem.EndsWith("was altered"));
        found.ShouldContain($"row {Rows + 1} (900z), not chained yet, was altered, or no server wrote it");

        await ExecuteAsync("INSERT INTO audit (sequence, id, at, body) SELECT 100000, '900y', at, body FROM audit WHERE sequence = 31");
        (await FindAsync()).Count.ShouldBe(found.Count + 1);
    }

    [Fact]
    public async Task T_AU_03_A_copy_of_a_genuine_row_is_named_chained_or_not()
    {
        await ExecuteAsync("INSERT INTO audit (id, at, body, user_id, mac) SELECT id, at, body, user_id, mac FROM audit WHERE sequence = 31");

        (await FindAsync()).ShouldHaveSingleItem().ShouldEndWith("is a copy of row 31");
        await (await NewChainAsync()).ExtendAsync(CancellationToken.None);
        (await FindAsync()).ShouldHaveSingleItem().ShouldEndWith("is a copy of row 31");
    }

    [Fact]
    public async Task T_AU_03_A_tail_that_was_cut_off_is_named_with_and_without_its_part_of_the_chain()
    {
        await ExecuteAsync("DELETE FROM audit WHERE sequence > 597");
        (await FindAsync()).ShouldBe(["row 598 is missing", "row 599 is missing", "row 600 is missing"]);

        await ExecuteAsync("DELETE FROM entity WHERE kind = 'audit-segment' AND id = '0000000000000003'");
        (await FindAsync()).ShouldContain("segment 3 of the chain is missing: rows after 512 cannot be placed");

        await ExecuteAsync("DELETE FROM entity WHERE kind = 'audit-head'");
        (await FindAsync()).ShouldContain("the chain's head is missing: where the chain ends cannot be known");
    }

    [Fact]
    public async Task T_AU_03_An_older_end_of_the_chain_is_noticed_by_the_server_that_saw_the_newer_one_and_by_its_witness()
    {
        var chain = await NewChainAsync();
        var old = await Storage.FindAsync<AuditHead>(AuditHead.TheId, CancellationToken.None);
        var segment = await Storage.FindAsync<AuditSegment>(AuditSegment.NameOf(3), CancellationToken.None);
        await AppendAsync(10);
        await chain.ExtendAsync(CancellationToken.None);
        var witness = chain.Head!.ToString();
        (await FindAsync(witness)).ShouldBeEmpty();

        // Everything is put back to how it was, by somebody who may write to the database.
        await ExecuteAsync($"DELETE FROM audit WHERE sequence > {Rows}");
        var now = await Storage.FindAsync<AuditHead>(AuditHead.TheId, CancellationToken.None);
        var longer = await Storage.FindAsync<AuditSegment>(AuditSegment.NameOf(3), CancellationToken.None);
        await Storage.CommitAsync(new Batch().Replace(old! with { Version = now!.Version }).Replace(segment! with { Version = longer!.Version }));

        (await FindAsync()).ShouldBeEmpty();
        (await FindAsync(witness)).ShouldHaveSingleItem().ShouldStartWith($"the chain has no row with the link {witness}");
        (await Should.ThrowAsync<AuditChainBrokenException>(() => chain.ExtendAsync(CancellationToken.None))).Message.ShouldContain("ends at row 600, and ended at row 610 before");
    }

    [Fact]
    public async Task T_AU_03_An_altered_chain_is_named_and_not_continued()
    {
        var segment = await Storage.FindAsync<AuditSegment>(AuditSegment.NameOf(2), CancellationToken.None);
        await Storage.CommitAsync(new Batch().Replace(segment! with { Sequences = [.. segment!.Sequences.Where(sequence => sequence != 300)] }));
        (await FindAsync()).ShouldContain("segment 2 of the chain was altered: rows after 256 cannot be placed");

        var head = await Storage.FindAsync<AuditHead>(AuditHead.TheId, CancellationToken.None);
        await Storage.CommitAsync(new Batch().Replace(head! with { LastSegment = 1 }));
        (await FindAsync()).ShouldContain("the chain's head was altered: where the chain ends cannot be known");
        await Should.ThrowAsync<AuditChainBrokenException>(async () => await (await NewChainAsync()).ExtendAsync(CancellationToken.None));
    }

    [Fact]
    public async Task Rows_from_before_the_chain_are_adopted_and_none_after_it()
    {
        await ExecuteAsync("DELETE FROM entity");
        await ExecuteAsync("UPDATE audit SET mac = NULL WHERE sequence <= 500");
        await (await NewChainAsync()).ExtendAsync(CancellationToken.None);
        (await VerifyAsync(findings: 0)).Head!.AdoptedThrough.ShouldBe(500);

        await Storage.CommitAsync(new Batch().Append(new AuditRow("901", Clock.GetUtcNow(), "{}"u8.ToArray())));
        (await FindAsync()).ShouldHaveSingleItem().ShouldStartWith("row 601 (901), not chained yet");
    }

    [Fact]
    public async Task A_store_of_the_layout_before_the_chain_is_brought_up_to_date_with_its_rows()
    {
        await Storage.DisposeAsync();
        foreach (var sql in (string[])
        [
            .. LaterLayouts, "DROP INDEX audit_user", "DROP INDEX audit_id", "ALTER TABLE audit DROP COLUMN user_id", "ALTER TABLE audit DROP COLUMN mac", "DELETE FROM entity", FirstLayout,
        ])
        {
            await ExecuteAsync(sql);
        }

        _storage = await OpenAsync();
        (await Storage.CountAuditAsync(new AuditQuery { UserId = "auth0|3" }, CancellationToken.None)).ShouldBe(86);
        await (await NewChainAsync()).ExtendAsync(CancellationToken.None);
        (await VerifyAsync(findings: 0)).Head!.AdoptedThrough.ShouldBe(Rows);
    }

    [Fact]
    public async Task Many_nodes_chain_at_once_and_make_one_chain()
    {
        var appending = Task.Run(async () =>
        {
            for (var i = 0; i < 40; i++)
            {
                await AppendAsync(10);
            }
        });
        var nodes = (List<AuditChain>)[await NewChainAsync(), await NewChainAsync(), await NewChainAsync()];
        do
        {
            await Task.WhenAll(nodes.Select(node => node.ExtendAsync(CancellationToken.None)));
            Clock.Advance(TimeSpan.FromSeconds(6));
        }
        while (!appending.IsCompleted);
        await appending;
        await ReleaseLeasesAsync();
        await nodes[0].ExtendAsync(CancellationToken.None);

        (await VerifyAsync(findings: 0)).Chained.ShouldBe(Rows + 400);
    }

    private protected abstract Task<IStorage> OpenAsync();

    /// <summary>Runs SQL past the engine.</summary>
    private protected abstract Task ExecuteAsync(string sql);

    /// <summary>SQL that changes one byte of the row's body.</summary>
    private protected abstract string AlterBody(long sequence);

    /// <summary>SQL that says the store is of the first layout.</summary>
    private protected abstract string FirstLayout { get; }

    /// <summary>What takes the layout back to the second.</summary>
    private protected virtual string[] LaterLayouts => [];

    private protected virtual Task RemoveAsync() => Task.CompletedTask;

    private Task ReleaseLeasesAsync() => ExecuteAsync("DELETE FROM lease");

    private static KeyRing NewRing() => new([new Kek(1, RandomNumberGenerator.GetBytes(32))], RandomNumberGenerator.GetBytes(32));

    /// <summary>A node that begins when the one before it has been gone for a while.</summary>
    private async Task<AuditChain> NewChainAsync()
    {
        await ReleaseLeasesAsync();
        return new AuditChain(Storage, _ring, Clock);
    }

    private async Task AppendAsync(int rows)
    {
        var audit = new AuditLog(_ring, Clock);
        for (var written = 0; written < rows;)
        {
            var batch = new Batch();
            for (var i = 0; i < 50 && written < rows; i++, written++)
            {
                Clock.Advance(TimeSpan.FromMilliseconds(1));
                batch.Append(audit.Row(new AuditEvent { Type = AuditType.SuccessfulVaultExchange, UserId = $"auth0|{written % 7}", Description = $"row {written}" }));
            }

            (await Storage.CommitAsync(batch)).Committed.ShouldBeTrue();
        }
    }

    private async Task<List<string>> FindAsync(string? witness = null)
    {
        var found = new List<string>();
        var verdict = await new AuditVerification(Storage, _ring, found.Add, _ => { }).RunAsync(witness, CancellationToken.None);
        verdict.Findings.ShouldBe(found.Count);
        return found;
    }

    private async Task<AuditVerdict> VerifyAsync(int findings)
    {
        var found = new List<string>();
        var verdict = await new AuditVerification(Storage, _ring, found.Add, _ => { }).RunAsync(witness: null, CancellationToken.None);
        found.Count.ShouldBe(findings, string.Join('\n', found));
        return verdict;
    }
}
