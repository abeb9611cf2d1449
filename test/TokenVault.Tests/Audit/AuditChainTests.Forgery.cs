using TokenVault.Server.Audit;
using TokenVault.Server.Storage;

namespace TokenVault.Tests.Audit;

/// <content>Whoever can write to the database lets the servers themselves chain, or not chain, what they did.</content>
public abstract partial class AuditChainTests
{
    [Fact]
    public async Task T_AU_03_A_row_that_no_server_wrote_is_still_named_after_the_servers_have_chained_it()
    {
        await ExecuteAsync("INSERT INTO audit (id, at, body) SELECT '900z', at, body FROM audit WHERE sequence = 31");
        await (await NewChainAsync()).ExtendAsync(CancellationToken.None);

        (await FindAsync()).ShouldHaveSingleItem().ShouldBe($"row {Rows + 1} (900z) has no seal: it was altered before it was chained, or no server wrote it");
    }

    [Fact]
    public async Task T_AU_03_A_row_that_lost_its_seal_before_it_was_chained_is_named()
    {
        await AppendAsync(2);
        await ExecuteAsync(AlterBody(Rows + 1));
        await ExecuteAsync($"UPDATE audit SET mac = NULL WHERE sequence = {Rows + 1}");
        await (await NewChainAsync()).ExtendAsync(CancellationToken.None);

        (await FindAsync()).ShouldHaveSingleItem().ShouldStartWith($"row {Rows + 1} (");
    }

    [Theory]
    [InlineData("UPDATE audit SET at = 400000000000000000 WHERE sequence = 5", "^row 5 .* was altered$")]
    [InlineData("UPDATE audit SET at = at - 9223372036854775807 - 1 WHERE sequence = 5", "^row 5 .* was altered$")]
    public async Task T_AU_03_A_time_that_is_none_hides_no_row(string sql, string problem)
    {
        await ExecuteAsync(sql);
        (await FindAsync()).ShouldHaveSingleItem().ShouldMatch(problem);
    }

    [Theory]
    [InlineData("UPDATE entity SET body = id WHERE kind = 'audit-segment' AND id = '0000000000000002'", "segment 2 of the chain was altered: rows after 256 cannot be placed")]
    [InlineData("UPDATE entity SET body = id WHERE kind = 'audit-head'", "the chain's head was altered: where the chain ends cannot be known")]
    public async Task T_AU_03_A_part_of_the_chain_that_cannot_be_read_is_named_as_altered(string sql, string problem)
    {
        await ExecuteAsync(Bytes(sql));
        (await FindAsync()).ShouldContain(problem);
    }

    [Fact]
    public async Task T_AU_03_A_server_that_starts_without_the_head_begins_no_second_chain()
    {
        await ExecuteAsync("DELETE FROM entity WHERE kind = 'audit-head'");
        await AppendAsync(1);

        var extend = async () => await (await NewChainAsync()).ExtendAsync(CancellationToken.None);

        (await Should.ThrowAsync<AuditChainBrokenException>(extend)).Message.ShouldContain("Its head is gone");
    }

    [Fact]
    public async Task T_AU_03_A_lease_that_nobody_gives_back_is_told_and_what_waits_behind_it_is_named()
    {
        var chain = await NewChainAsync();
        await Storage.CommitAsync(new Batch().AcquireLease("audit-chain", "nobody", TimeSpan.FromDays(1000)));
        await AppendAsync(3);
        for (var i = 1; i < 60; i++)
        {
            await chain.ExtendAsync(CancellationToken.None);
        }

        (await Should.ThrowAsync<AuditChainBrokenException>(() => chain.ExtendAsync(CancellationToken.None))).Message.ShouldContain($"after row {Rows}");
        (await FindAsync()).ShouldBeEmpty();
        Clock.Advance(TimeSpan.FromMinutes(10));
        await AppendAsync(1);
        (await FindAsync()).ShouldHaveSingleItem().ShouldStartWith($"row {Rows + 1} (");
    }

    [Fact]
    public async Task T_AU_03_A_log_whose_whole_chain_is_gone_is_told()
    {
        Clock.Advance(TimeSpan.FromMinutes(10));
        await AppendAsync(1);
        await ExecuteAsync("DELETE FROM entity");

        (await FindAsync()).ShouldHaveSingleItem().ShouldStartWith("row 1 (");
    }

    /// <summary>The same SQL for an engine whose bodies are bytes of a type of their own.</summary>
    private protected virtual string Bytes(string sql) => sql;
}
