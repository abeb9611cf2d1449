using System.Text;
using TokenVault.Server.Storage;
using TokenVault.Testing;

namespace TokenVault.Tests.Storage;

/// <summary>
/// What every storage engine must do. An engine gets a subclass that opens it and nothing else; each test has a store of its own.
/// </summary>
public abstract partial class StorageConformance : IAsyncLifetime
{
    private IStorage? _storage;

    /// <summary>The clock that decides what has expired.</summary>
    private protected VaultClock Clock { get; } = new();

    private protected IStorage Storage => _storage!;

    public async Task InitializeAsync() => _storage = await OpenAsync();

    public async Task DisposeAsync()
    {
        await Storage.DisposeAsync();
        await RemoveAsync();
    }

    /// <summary>Opens the test's store; it is empty the first time.</summary>
    private protected abstract Task<IStorage> OpenAsync();

    /// <summary>Opens what would be there had the process been killed at this moment. The storage that is open stays open.</summary>
    private protected abstract Task<IStorage> OpenAfterCrashAsync();

    /// <summary>Moves the clock that leases go by.</summary>
    private protected abstract Task AdvanceLeaseClock(TimeSpan by);

    /// <summary>Removes the store after its test, when closing it does not.</summary>
    private protected virtual Task RemoveAsync() => Task.CompletedTask;

    private static Entity Row(
        string id, string body = "{}", long version = 0, DateTimeOffset? expiresAt = null, string kind = "note", params EntityKey[] keys) =>
        new(kind, id, version, expiresAt, Encoding.UTF8.GetBytes(body), keys);

    private static EntityKey Name(string value) => EntityKey.UniqueKey("name", value);

    private static EntityKey Owner(string value) => EntityKey.Index("owner", value);

    private static Batch BatchOf(params Operation[] operations)
    {
        var batch = new Batch();
        foreach (var operation in operations)
        {
            batch.Add(operation);
        }

        return batch;
    }

    private static AuditRow Audit(string id) => new(id, new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero), Encoding.UTF8.GetBytes(id));

    private ValueTask<CommitResult> CommitAsync(params Operation[] operations) => Storage.CommitAsync(BatchOf(operations));

    private async Task<CommitResult> CommittedAsync(params Operation[] operations)
    {
        var result = await CommitAsync(operations);
        result.ShouldSatisfyAllConditions(() => result.Outcome.ShouldBe(CommitOutcome.Committed), () => result.FailedOperation.ShouldBe(-1));
        return result;
    }

    private async Task RefusedAsync(CommitOutcome outcome, int operation, params Operation[] operations) =>
        (await CommitAsync(operations)).ShouldBe(new CommitResult(outcome, operation));

    private async Task<Entity?> FindAsync(string id, string kind = "note") => await Storage.FindAsync(kind, id, default);

    private async Task<string?> BodyAsync(string id, string kind = "note") => Body(await FindAsync(id, kind));

    private async Task<string?> IdByNameAsync(string name, string kind = "note") => (await Storage.FindByKeyAsync(kind, "name", name, default))?.Id;

    private async Task<string[]> IdsAsync(ListQuery query) => [.. (await Storage.ListAsync(query, default)).Select(entity => entity.Id)];

    private async Task<string[]> AuditIdsAsync(long after = 0, int take = 1_000) =>
        [.. (await Storage.ReadAuditAsync(after, take, default)).Select(row => row.Id)];

    private static string? Body(Entity? entity) => entity is null ? null : Encoding.UTF8.GetString(entity.Body);

    private async Task ReopenAsync()
    {
        await Storage.DisposeAsync();
        _storage = await OpenAsync();
    }
}
