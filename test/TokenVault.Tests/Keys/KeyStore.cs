using TokenVault.Server.Keys;
using TokenVault.Server.Storage;
using TokenVault.Server.Storage.Sqlite;
using TokenVault.Testing;

namespace TokenVault.Tests.Keys;

/// <summary>An empty store with a place for a root key, gone after the test.</summary>
internal sealed class KeyStore : IAsyncDisposable
{
    private readonly VaultKeys _keys = new();
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("tokenvault-keys-");

    public KeyStore() => Storage = SqliteStorage.Open(Path.Combine(_directory.FullName, "vault.db"), Clock);

    /// <summary>For a test class that keeps one.</summary>
    public static KeyStore Open() => new();

    public VaultClock Clock { get; } = new();

    public IStorage Storage { get; }

    public string RootKeyFile => Path.Combine(_directory.FullName, "root.key");

    public string OtherFile(string name) => Path.Combine(_directory.FullName, name);

    public Task<KeyRing> OpenRingAsync() => KeyRing.OpenAsync(Storage, new RootKeys(RootKeyFile), Clock, CancellationToken.None);

    public async Task<SigningKeys> OpenSigningKeysAsync() => await OpenSigningKeysAsync(await OpenRingAsync());

    public Task<SigningKeys> OpenSigningKeysAsync(KeyRing ring) =>
        SigningKeys.OpenAsync(Storage, ring, _keys.Make, Clock, CancellationToken.None);

    /// <summary>Changes a stored row behind the server's back.</summary>
    public async Task TamperAsync<T>(T changed)
        where T : class, IRecord<T> => (await Storage.CommitAsync(new Batch().Replace(changed))).Committed.ShouldBeTrue();

    public async ValueTask DisposeAsync()
    {
        await Storage.DisposeAsync();
        _directory.Delete(recursive: true);
    }
}
