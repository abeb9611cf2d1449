using TokenVault.Server;
using TokenVault.Server.Storage;
using TokenVault.Server.Storage.Sqlite;
using TokenVault.Testing;

namespace TokenVault.Tests.Storage;

public sealed class RememberedRowsTests : IAsyncLifetime, IDisposable
{
    private readonly DatabaseDirectory _directory = new();
    private readonly VaultClock _clock = new();
    private readonly SlowStorage _storage;
    private readonly RememberedRows<Note> _rows;

    public RememberedRowsTests()
    {
        _storage = new SlowStorage(SqliteStorage.Open(_directory.File, _clock));
        _rows = Remember(1_000);
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await _storage.DisposeAsync();

    public void Dispose()
    {
        _rows.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task A_row_is_recalled_only_where_that_is_allowed_and_it_is_told_that_it_was()
    {
        await CommitAsync(new Batch().Insert(new Note { Id = "a", Name = "n" }));
        var first = Recall.Allowed;
        (await _rows.FindAsync("a", first, default)).ShouldNotBeNull();
        (await _rows.FindByKeyAsync("name", "n", first, default)).ShouldNotBeNull();
        (first.HasHappened, _storage.Reads).ShouldBe((false, 2));

        var second = Recall.Allowed;
        (await _rows.FindAsync("a", second, default)).ShouldNotBeNull().Version.ShouldBe(1);
        (await _rows.FindByKeyAsync("name", "n", second, default)).ShouldNotBeNull();
        (second.HasHappened, _storage.Reads).ShouldBe((true, 2));

        (await _rows.FindAsync("a", Recall.None, default)).ShouldNotBeNull();
        (Recall.None.HasHappened, _storage.Reads).ShouldBe((false, 3));
    }

    [Fact]
    public async Task A_change_of_the_row_is_the_end_of_what_is_remembered_of_it()
    {
        await CommitAsync(new Batch().Insert(new Note { Id = "a" }));
        var note = (await _rows.FindAsync("a", Recall.Allowed, default)).ShouldNotBeNull();
        await CommitAsync(new Batch().Replace(note with { Text = "new" }));
        (await _rows.FindAsync("a", Recall.Allowed, default)).ShouldNotBeNull().Text.ShouldBe("new");
        await CommitAsync(new Batch().Delete(note.AtVersion(2)));
        (await _rows.FindAsync("a", Recall.Allowed, default)).ShouldBeNull();
    }

    [Fact]
    public async Task An_owners_rows_are_read_again_when_there_is_another_one()
    {
        await CommitAsync(new Batch().Insert(new Note { Id = "a", Owner = "ada" }).Insert(new Note { Id = "b", Owner = "bob" }));
        var since = _rows.Moment;
        _rows.Keep("ada", [new Note { Id = "a", Owner = "ada" }.AtVersion(1)], 100, since);
        _rows.Keep("bob", [new Note { Id = "b", Owner = "bob" }.AtVersion(1)], 100, since);
        await CommitAsync(new Batch().Insert(new Note { Id = "c", Owner = "ada" }));

        _rows.Recalled("ada", Recall.Allowed).ShouldBeNull();
        _rows.Recalled("bob", Recall.Allowed).ShouldNotBeNull();
        var note = (await _storage.FindAsync<Note>("a", default)).ShouldNotBeNull();
        await CommitAsync(new Batch().Replace(note with { Owner = "bob" }));
        _rows.Recalled("bob", Recall.Allowed).ShouldBeNull();
    }

    [Fact]
    public async Task What_was_read_before_a_change_is_not_kept_after_it()
    {
        var since = _rows.Moment;
        await CommitAsync(new Batch().Insert(new Note { Id = "other" }));
        _rows.Keep("a", [new Note { Id = "a" }], 100, since);
        _rows.Recalled("a", Recall.Allowed).ShouldBeNull();
    }

    [Fact]
    public async Task A_row_that_has_ended_is_not_recalled()
    {
        await CommitAsync(new Batch().Insert(new Note { Id = "a", ExpiresAt = _clock.GetUtcNow().AddMinutes(1) }));
        (await _rows.FindAsync("a", Recall.Allowed, default)).ShouldNotBeNull();
        _clock.Advance(TimeSpan.FromMinutes(1));
        (await _rows.FindAsync("a", Recall.Allowed, default)).ShouldBeNull();
    }

    [Theory]
    [InlineData(1, 937, 1_000)] // more rows than may be kept
    [InlineData(40 * 1024, 93, 100)] // fewer, but more bytes
    public void What_is_too_much_is_forgotten_and_the_newest_that_came_twice_stays(int bytes, int least, int most)
    {
        for (var i = 0; i < 2_000; i++)
        {
            Keep($"{i}", bytes);
            Keep($"{i}", bytes);
            _rows.Recalled($"{i}", Recall.Allowed).ShouldNotBeNull();
        }

        Remembered(0, 2_000).ShouldBeInRange(least, most);
    }

    [Fact]
    public void A_flood_of_what_comes_once_drives_out_nothing_and_leaves_little_behind()
    {
        KeepAll(0, 900);
        Remembered(0, 900).ShouldBe(500);
        for (var i = 500; i < 900; i++)
        {
            Keep($"{i}", 100);
            Keep($"{i}", 100);
        }

        Remembered(0, 900).ShouldBe(900);

        KeepAll(1_000, 20_000);
        Remembered(0, 900).ShouldBe(900);

        // Few share both place and mark with one that came before.
        Remembered(1_000, 20_000).ShouldBeLessThan(20);
    }

    [Fact]
    public void What_is_read_anew_because_it_changed_or_ended_keeps_its_room()
    {
        KeepAll(0, 1_000);
        Keep("5", 200);
        Keep("5", 300);
        Remembered(5, 1).ShouldBe(1);
        Remembered(0, 1_000).ShouldBe(500);
    }

    [Fact]
    public void What_is_more_than_may_be_kept_at_all_is_not_kept_and_drives_nothing_out()
    {
        _rows.Keep("a", [new Note { Id = "a" }], 1, _rows.Moment);
        _rows.Keep("b", [new Note { Id = "b" }], 1_000 * 4 * 1024 + 1, _rows.Moment);
        _rows.Keep("c", [.. Enumerable.Range(0, 1_001).Select(i => new Note { Id = $"c{i}" })], 1, _rows.Moment);
        _rows.Recalled("a", Recall.Allowed).ShouldNotBeNull();
        _rows.Recalled("b", Recall.Allowed).ShouldBeNull();
        _rows.Recalled("c", Recall.Allowed).ShouldBeNull();
    }

    [Fact]
    public async Task Where_nothing_is_to_be_remembered_nothing_is()
    {
        await CommitAsync(new Batch().Insert(new Note { Id = "a" }));
        using var none = Remember(0);
        (await none.FindAsync("a", Recall.Allowed, default)).ShouldNotBeNull();
        none.Recalled("a", Recall.Allowed).ShouldBeNull();
    }

    private RememberedRows<Note> Remember(int most) => new(_storage, new TokenVaultOptions { Storage = { RememberedRows = most } }, _clock);

    private void Keep(string name, long bytes) => _rows.Keep(name, [new Note { Id = name }], bytes, _rows.Moment);

    private void KeepAll(int from, int count) => Enumerable.Range(from, count).ToList().ForEach(i => Keep($"{i}", 100));

    private int Remembered(int from, int count) => Enumerable.Range(from, count).Count(i => _rows.Recalled($"{i}", Recall.Allowed) is not null);

    private async Task CommitAsync(Batch batch) => (await _storage.CommitAsync(batch)).Committed.ShouldBeTrue();
}
