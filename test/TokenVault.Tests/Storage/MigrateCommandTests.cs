using System.Text;
using TokenVault.Server;
using TokenVault.Server.Storage;
using TokenVault.Server.Storage.Postgres;
using TokenVault.Server.Storage.Sqlite;
using TokenVault.Tests.Needs;

namespace TokenVault.Tests.Storage;

[NeedsPostgres]
public sealed class MigrateCommandTests : IAsyncLifetime, IDisposable
{
    private readonly DatabaseDirectory _directory = new();
    private PostgresDatabase _database = null!;

    public async Task InitializeAsync() => _database = await PostgresDatabase.CreateAsync();

    public async Task DisposeAsync() => await _database.DisposeAsync();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Everything_is_there_afterwards_and_the_numbers_go_on()
    {
        var fence = await FillAsync();

        var output = await MigrateAsync();

        output.ShouldContain("1,003 rows");
        output.ShouldContain("Copied and compared");
        await using var target = await OpenTargetAsync();
        await using var source = OpenSource();
        foreach (var kind in (string[])["note", "memo", "empty"])
        {
            var query = new ListQuery(kind) { Take = 10_000 };
            var copied = await target.ListAsync(query, default);
            copied.Select(Text).ShouldBe((await source.ListAsync(query, default)).Select(Text));
        }

        (await target.FindByKeyAsync("note", "name", "é😀", default)).ShouldNotBeNull().Version.ShouldBe(2);
        (await target.CountAsync(new ListQuery("note") { Index = EntityKey.Index("owner", "7") }, default)).ShouldBe(100);
        var audit = await target.ReadAuditAsync(0, 10_000, default);
        audit.Select(row => (row.Sequence, row.Id, row.At)).ShouldBe((await source.ReadAuditAsync(0, 10_000, default)).Select(row => (row.Sequence, row.Id, row.At)));

        var later = await target.CommitAsync(new Batch().AcquireLease("job", "me", TimeSpan.FromMinutes(1)).Append(Audit("later")));
        later.Fence.ShouldBeGreaterThan(fence);
        (await target.ReadAuditAsync(audit[^1].Sequence, 10, default)).ShouldHaveSingleItem().Id.ShouldBe("later");
        (await target.CommitAsync(new Batch().Add(new InsertOperation(Row("note", "x", [EntityKey.UniqueKey("name", "é😀")]))))).Outcome.ShouldBe(CommitOutcome.Duplicate);
    }

    [Fact]
    public async Task A_target_that_is_not_empty_is_refused_and_left_as_it_is()
    {
        await FillAsync();
        await MigrateAsync();
        (await Should.ThrowAsync<StartupException>(MigrateAsync)).Message.ShouldContain("is not empty");
        await using var target = await OpenTargetAsync();
        (await target.CountAsync(new ListQuery("note"), default)).ShouldBe(1_001);
    }

    [Fact]
    public async Task A_file_that_a_server_uses_is_refused()
    {
        await FillAsync();
        await using var server = OpenSource();
        (await Should.ThrowAsync<StartupException>(MigrateAsync)).Message.ShouldStartWith("Another process uses the database");
    }

    [Fact]
    public async Task A_directory_without_a_database_is_refused_and_stays_empty()
    {
        (await Should.ThrowAsync<StartupException>(MigrateAsync)).Message.ShouldStartWith("There is no database");
        File.Exists(_directory.File).ShouldBeFalse();
    }

    [Fact]
    public async Task A_copy_that_differs_is_undone()
    {
        await FillAsync();
        await (await OpenTargetAsync()).DisposeAsync();
        await _database.ExecuteAsync(
            """
            CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.body = ''spoilt''; RETURN NEW; END';
            CREATE TRIGGER spoil BEFORE INSERT ON entity FOR EACH ROW WHEN (NEW.id = '0500') EXECUTE FUNCTION spoil();
            """);
        (await Should.ThrowAsync<StartupException>(MigrateAsync)).Message.ShouldContain("entity differs");
        (await _database.ExecuteAsync("SELECT count(*) FROM entity")).ShouldBe("0");
    }

    [Fact]
    public async Task An_unreachable_target_is_told_without_its_password()
    {
        await FillAsync();
        string[] args = ["--from", Path.GetDirectoryName(_directory.File)!, "--to", "Host=127.0.0.1;Port=1;Database=d;Password=s3cr3t"];
        var refusal = await Should.ThrowAsync<StartupException>(() => MigrateCommand.RunAsync(args, TextWriter.Null));
        refusal.Message.ShouldStartWith("The database 'd' at 127.0.0.1:1 cannot be used");
        refusal.Message.ShouldNotContain("s3cr3t");
    }

    [Theory]
    [InlineData("--from")]
    [InlineData("--form", "data")]
    [InlineData("data")]
    public async Task Arguments_that_are_none_show_the_usage(params string[] args)
    {
        await using var output = new StringWriter();
        (await MigrateCommand.RunAsync(args, output)).ShouldBe(2);
        output.ToString().ShouldStartWith("usage:");
    }

    private static string Text(Entity entity) =>
        $"{entity.Kind} {entity.Id} {entity.Version} {entity.ExpiresAt:O} {Convert.ToHexString(entity.Body)}";

    private static Entity Row(string kind, string id, EntityKey[] keys, long version = 0, DateTimeOffset? expiresAt = null) =>
        new(kind, id, version, expiresAt, Encoding.UTF8.GetBytes($$"""{"id":"{{id}}"}"""), keys);

    private static AuditRow Audit(string id) => new(id, DateTimeOffset.UnixEpoch.AddMicroseconds(5), [1, 2, 3]);

    /// <summary>Rows of every shape, 1,003 in all; returns the highest fence.</summary>
    private async Task<long> FillAsync()
    {
        await using var source = OpenSource();
        var batch = new Batch();
        for (var i = 0; i < 1_000; i++)
        {
            batch.Add(new InsertOperation(Row("note", $"{i:D4}", [EntityKey.UniqueKey("name", $"{i}"), EntityKey.Index("owner", $"{i % 10}")]))).Append(Audit($"{i}"));
        }

        batch.Add(new InsertOperation(Row("note", "é", [EntityKey.UniqueKey("name", "old")])));
        batch.Add(new ReplaceOperation(Row("note", "é", [EntityKey.UniqueKey("name", "é😀")], version: 1)));
        batch.Add(new InsertOperation(Row("memo", "", [], expiresAt: new DateTimeOffset(2300, 1, 1, 0, 0, 0, TimeSpan.Zero))));
        batch.Add(new InsertOperation(new Entity("empty", "row", 0, null, [], [])));
        (await source.CommitAsync(batch)).Committed.ShouldBeTrue();
        return (await source.CommitAsync(new Batch().AcquireLease("job", "me", TimeSpan.FromDays(1)))).Fence;
    }

    private async Task<string> MigrateAsync()
    {
        await using var output = new StringWriter();
        var code = await MigrateCommand.RunAsync(["--from", Path.GetDirectoryName(_directory.File)!, "--to", _database.ConnectionString], output);
        code.ShouldBe(0);
        return output.ToString();
    }

    private SqliteStorage OpenSource() => SqliteStorage.Open(_directory.File, TimeProvider.System);

    private Task<PostgresStorage> OpenTargetAsync() => PostgresStorage.OpenAsync(_database.ConnectionString, TimeProvider.System);
}
