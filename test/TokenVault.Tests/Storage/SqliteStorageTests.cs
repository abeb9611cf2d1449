using TokenVault.Server;
using TokenVault.Server.Storage;
using TokenVault.Server.Storage.Sqlite;

namespace TokenVault.Tests.Storage;

public sealed class SqliteStorageTests : IDisposable
{
    private readonly DatabaseDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task F_28_A_second_opening_is_refused_until_the_first_is_closed()
    {
        await using (Open())
        {
            Should.Throw<StartupException>(Open).Message.ShouldStartWith("Another process uses the database");
        }

        await using var reopened = Open();
    }

    [Fact]
    public async Task A_newer_schema_is_refused_and_left_as_it_is()
    {
        await Open().DisposeAsync();
        ExecuteRaw("PRAGMA user_version=99");

        Should.Throw<StartupException>(Open).Message.ShouldContain("schema 99");

        // Neither the refusal changed the schema nor does it keep the file locked.
        Should.Throw<StartupException>(Open).Message.ShouldContain("schema 99");
        ExecuteRaw($"PRAGMA user_version={SqliteSchema.Newest}");
        await Open().DisposeAsync();
    }

    [Fact]
    public async Task A_migration_that_fails_leaves_nothing_behind()
    {
        await Open().DisposeAsync();
        ExecuteRaw("PRAGMA user_version=0");
        ExecuteRaw("DROP TABLE entity");
        Should.Throw<StartupException>(Open);
        using var raw = SqliteConnection.OpenWriter(_directory.File);
        raw.QueryText("SELECT count(*) FROM sqlite_schema WHERE name = 'entity'").ShouldBe("0");
        raw.QueryText("PRAGMA user_version").ShouldBe("0");
    }

    [Fact]
    public void A_file_that_is_no_database_is_refused()
    {
        File.WriteAllText(_directory.File, new string('x', 10_000));
        Should.Throw<StartupException>(Open).Message.ShouldContain("cannot be opened");
    }

    [Fact]
    public void A_directory_that_cannot_be_created_is_refused()
    {
        File.WriteAllText(_directory.File, "a file, not a directory");
        Should.Throw<StartupException>(() => SqliteStorage.Open(Path.Combine(_directory.File, "data", "vault.db"), TimeProvider.System))
            .Message.ShouldContain("cannot be created");
    }

    [Fact]
    public async Task The_files_are_for_their_owner_alone()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        await using var storage = Open();
        await storage.CommitAsync(new Batch().Insert(new Note { Id = "a" }));

        foreach (var suffix in (string[])["", "-wal", "-shm", ".lock"])
        {
            File.GetUnixFileMode(_directory.File + suffix).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite, suffix);
        }
    }

    [Fact]
    public async Task Commits_are_flushed_to_the_disk_one_by_one()
    {
        using var connection = SqliteConnection.OpenWriter(await CreateAsync());
        connection.QueryText("PRAGMA journal_mode").ShouldBe("wal");
        connection.QueryText("PRAGMA synchronous").ShouldBe("2");
        connection.QueryText("PRAGMA wal_autocheckpoint").ShouldBe("0");
    }

    [Fact]
    public async Task A_reader_cannot_write()
    {
        using var connection = SqliteConnection.OpenReader(await CreateAsync());
        Should.Throw<SqliteException>(() => connection.Execute("DELETE FROM entity")).PrimaryCode.ShouldBe(8);
    }

    [Fact]
    public async Task The_log_is_copied_into_the_database_and_does_not_grow_for_ever()
    {
        await using var storage = Open();
        var large = new string('x', 100_000);
        for (var i = 0; i < 600; i++)
        {
            await storage.CommitAsync(new Batch().Put(new Note { Id = $"{i % 50}", Text = large }));
        }

        new FileInfo(_directory.File + "-wal").Length.ShouldBeInRange(1, 20_000_000);
        new FileInfo(_directory.File).Length.ShouldBeGreaterThan(4_000_000);
    }

    [Fact]
    public async Task A_clean_close_leaves_one_whole_file()
    {
        await using (var storage = Open())
        {
            await storage.CommitAsync(new Batch().Insert(new Note { Id = "a" }));
            await storage.FindAsync<Note>("a", default);
        }

        File.Exists(_directory.File + "-wal").ShouldBeFalse();
        await using var copy = SqliteStorage.Open(_directory.CopyFiles(), TimeProvider.System);
        (await copy.FindAsync<Note>("a", default)).ShouldNotBeNull();
    }

    [Theory]
    [InlineData("x''")]
    [InlineData("x'00'")]
    [InlineData("x'6e756c6c'")]
    [InlineData("x'7b2249'")]
    [InlineData("(SELECT body FROM entity WHERE id = 'b')")]
    public async Task F_38_T_EN_02_A_corrupt_or_moved_body_is_refused_and_no_other_row_suffers(string body)
    {
        await using var storage = Open();
        await storage.CommitAsync(new Batch().Insert(new Note { Id = "a", Name = "n" }).Insert(new Note { Id = "b", Name = "m", Text = "sound" }));
        ExecuteRaw($"UPDATE entity SET body = {body} WHERE id = 'a'");

        (await Should.ThrowAsync<CorruptRecordException>(async () => await storage.FindAsync<Note>("a", default))).RecordId.ShouldBe("a");
        await Should.ThrowAsync<CorruptRecordException>(async () => await storage.FindByKeyAsync<Note>("name", "n", default));

        (await storage.FindAsync<Note>("b", default)).ShouldNotBeNull().Text.ShouldBe("sound");
        (await storage.FindByKeyAsync<Note>("name", "m", default)).ShouldNotBeNull();
        (await storage.CommitAsync(new Batch().Put(new Note { Id = "a", Name = "n" }))).Committed.ShouldBeTrue();
        (await storage.FindAsync<Note>("a", default)).ShouldNotBeNull();
    }

    [Fact]
    public async Task ListAllAsync_reads_beyond_one_chunk()
    {
        await using var storage = Open();
        var batch = new Batch();
        for (var i = 0; i < 1_001; i++)
        {
            batch.Insert(new Note { Id = $"{i:D4}" });
        }

        await storage.CommitAsync(batch);
        (await storage.ListAllAsync<Note>(index: null, default)).Select(note => note.Id).ShouldBe(Enumerable.Range(0, 1_001).Select(i => $"{i:D4}"));
    }

    private SqliteStorage Open() => SqliteStorage.Open(_directory.File, TimeProvider.System);

    private async Task<string> CreateAsync()
    {
        await Open().DisposeAsync();
        return _directory.File;
    }

    private void ExecuteRaw(string sql)
    {
        using var connection = SqliteConnection.OpenWriter(_directory.File);
        connection.Execute(sql);
    }
}
