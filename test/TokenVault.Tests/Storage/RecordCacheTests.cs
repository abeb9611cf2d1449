using TokenVault.Server.Storage;
using TokenVault.Server.Storage.Sqlite;
using TokenVault.Testing;

namespace TokenVault.Tests.Storage;

public sealed class RecordCacheTests : IAsyncLifetime, IDisposable
{
    private readonly DatabaseDirectory _directory = new();
    private readonly VaultClock _clock = new();
    private readonly SlowStorage _storage;
    private readonly RecordCache _cache;

    public RecordCacheTests()
    {
        _storage = new SlowStorage(SqliteStorage.Open(_directory.File, _clock));
        _cache = new RecordCache(_storage);
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await _storage.DisposeAsync();

    public void Dispose()
    {
        _cache.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task A_record_is_read_once_and_then_kept()
    {
        await CommitAsync(new Batch().Insert(new Note { Id = "a", Name = "n" }));

        var first = await _cache.FindAsync<Note>("a", default);
        (await _cache.FindAsync<Note>("a", default)).ShouldBeSameAs(first);
        _storage.Reads.ShouldBe(1);

        var byName = await _cache.FindByKeyAsync<Note>("name", "n", default);
        (await _cache.FindByKeyAsync<Note>("name", "n", default)).ShouldBeSameAs(byName);
        _storage.Reads.ShouldBe(2);
    }

    [Fact]
    public async Task T_ST_11_A_commit_is_seen_by_the_next_read()
    {
        await CommitAsync(new Batch().Insert(new Note { Id = "a", Name = "n" }));
        for (var version = 1; version < 50; version++)
        {
            var note = (await _cache.FindAsync<Note>("a", default)).ShouldNotBeNull();
            (await _cache.FindByKeyAsync<Note>("name", "n", default)).ShouldNotBeNull().Version.ShouldBe(version);
            note.Version.ShouldBe(version);
            await CommitAsync(new Batch().Replace(note with { Text = $"{version}" }));
        }
    }

    [Fact]
    public async Task T_ST_11_A_deleted_record_is_gone_at_once()
    {
        await CommitAsync(new Batch().Insert(new Note { Id = "a", Name = "n" }));
        var note = (await _cache.FindByKeyAsync<Note>("name", "n", default)).ShouldNotBeNull();

        await CommitAsync(new Batch().Delete(note));

        (await _cache.FindAsync<Note>("a", default)).ShouldBeNull();
        (await _cache.FindByKeyAsync<Note>("name", "n", default)).ShouldBeNull();
    }

    [Fact]
    public async Task A_key_that_moved_to_another_record_leads_there_at_once()
    {
        await CommitAsync(new Batch().Insert(new Note { Id = "a", Name = "n" }).Insert(new Note { Id = "b", Name = "m" }));
        var a = (await _cache.FindByKeyAsync<Note>("name", "n", default)).ShouldNotBeNull();
        var b = (await _cache.FindByKeyAsync<Note>("name", "m", default)).ShouldNotBeNull();

        await CommitAsync(new Batch().Replace(a with { Name = "x" }).Replace(b with { Name = "n" }));
        (await _cache.FindAsync<Note>("a", default)).ShouldNotBeNull();

        (await _cache.FindByKeyAsync<Note>("name", "n", default)).ShouldNotBeNull().Id.ShouldBe("b");
        (await _cache.FindByKeyAsync<Note>("name", "m", default)).ShouldBeNull();
    }

    [Fact]
    public async Task What_is_not_there_is_not_remembered_as_missing()
    {
        (await _cache.FindAsync<Note>("a", default)).ShouldBeNull();
        (await _cache.FindByKeyAsync<Note>("name", "n", default)).ShouldBeNull();
        await CommitAsync(new Batch().Insert(new Note { Id = "a", Name = "n" }));
        (await _cache.FindAsync<Note>("a", default)).ShouldNotBeNull();
        (await _cache.FindByKeyAsync<Note>("name", "n", default)).ShouldNotBeNull();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task T_ST_11_A_slow_read_that_a_change_overtook_is_not_kept(bool byKey)
    {
        await CommitAsync(new Batch().Insert(new Note { Id = "a", Name = "n", Text = "old" }));
        var release = _storage.HoldNextRead();
        var slow = Task.Run(async () => await FindAsync(byKey));
        await _storage.ReadIsHeld;

        await CommitAsync(new Batch().Put(new Note { Id = "a", Name = "n", Text = "new" }));
        release.SetResult();

        // The slow caller began before the change and may see what was; nobody who begins after it may.
        (await slow).ShouldNotBeNull().Text.ShouldBe("old");
        (await FindAsync(byKey)).ShouldNotBeNull().Text.ShouldBe("new");
        (await FindAsync(!byKey)).ShouldNotBeNull().Text.ShouldBe("new");
    }

    [Fact]
    public async Task Everything_is_dropped_when_a_watcher_lost_contact()
    {
        await CommitAsync(new Batch().Insert(new Note { Id = "a", Name = "n" }));
        await FindAsync(byKey: true);
        var reads = _storage.Reads;

        _storage.LoseContact();

        await FindAsync(byKey: true);
        _storage.Reads.ShouldBe(reads + 1);
    }

    [Fact]
    public async Task Records_that_expire_are_not_kept()
    {
        await CommitAsync(new Batch().Insert(new Note { Id = "a", Name = "n", ExpiresAt = _clock.GetUtcNow().AddMinutes(1) }));
        (await FindAsync(byKey: false)).ShouldNotBeNull();
        (await FindAsync(byKey: true)).ShouldNotBeNull();

        _clock.Advance(TimeSpan.FromMinutes(1));

        (await FindAsync(byKey: false)).ShouldBeNull();
        (await FindAsync(byKey: true)).ShouldBeNull();
    }

    [Fact]
    public async Task A_disposed_cache_no_longer_watches()
    {
        using var other = new RecordCache(_storage);
        await CommitAsync(new Batch().Insert(new Note { Id = "a" }));
        var kept = await other.FindAsync<Note>("a", default);
        other.Dispose();
        await CommitAsync(new Batch().Put(new Note { Id = "a", Text = "new" }));
        (await other.FindAsync<Note>("a", default)).ShouldBeSameAs(kept);
    }

    [Fact]
    public async Task T_ST_11_Readers_never_see_less_than_was_committed_before_they_began()
    {
        await CommitAsync(new Batch().Insert(new Note { Id = "a", Name = "n" }));
        var committed = 1L;
        using var done = new CancellationTokenSource();
        var readers = Enumerable.Range(0, 4).Select(i => Task.Run(async () =>
        {
            do
            {
                var before = Interlocked.Read(ref committed);
                (await FindAsync(byKey: i % 2 == 0)).ShouldNotBeNull().Version.ShouldBeGreaterThanOrEqualTo(before);
                await Task.Yield();
            }
            while (!done.IsCancellationRequested);
        })).ToArray();

        for (var version = 2; version <= 300; version++)
        {
            await CommitAsync(new Batch().Put(new Note { Id = "a", Name = "n" }));
            Interlocked.Exchange(ref committed, version);
        }

        await done.CancelAsync();
        await Task.WhenAll(readers);
    }

    private async Task<Note?> FindAsync(bool byKey) =>
        byKey ? await _cache.FindByKeyAsync<Note>("name", "n", default) : await _cache.FindAsync<Note>("a", default);

    private async Task CommitAsync(Batch batch) => (await _storage.CommitAsync(batch)).Committed.ShouldBeTrue();
}
