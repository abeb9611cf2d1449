using TokenVault.Server.Storage;
using TokenVault.Server.Storage.Sqlite;

namespace TokenVault.Tests.Storage;

public sealed class SqliteConformance : StorageConformance, IDisposable
{
    private readonly DatabaseDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    private protected override Task<IStorage> OpenAsync() => Task.FromResult<IStorage>(SqliteStorage.Open(_directory.File, Clock));

    private protected override Task<IStorage> OpenAfterCrashAsync() => Task.FromResult<IStorage>(SqliteStorage.Open(_directory.CopyFiles(), Clock));

    private protected override Task AdvanceLeaseClock(TimeSpan by)
    {
        Clock.Advance(by);
        return Task.CompletedTask;
    }
}
