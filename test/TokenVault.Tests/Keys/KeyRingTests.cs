using System.Security.Cryptography;
using TokenVault.Server;
using TokenVault.Server.Keys;
using TokenVault.Server.Storage;

namespace TokenVault.Tests.Keys;

/// <summary>How the ring begins, comes back, and refuses to.</summary>
public sealed class KeyRingTests
{
    private static readonly byte[] Row = Aad.For("tokenset", "fct_1");

    [Fact]
    public async Task The_first_start_makes_a_root_key_that_its_owner_alone_may_read()
    {
        await using var store = new KeyStore();
        await store.OpenRingAsync();

        Convert.FromBase64String(await File.ReadAllTextAsync(store.RootKeyFile)).Length.ShouldBe(32);
        if (!OperatingSystem.IsWindows())
        {
            File.GetUnixFileMode(store.RootKeyFile).ShouldBe(UnixFileMode.UserRead);
        }
    }

    [Fact]
    public async Task What_one_start_sealed_and_hashed_the_next_one_knows()
    {
        await using var store = new KeyStore();
        var first = await store.OpenRingAsync();
        var second = await store.OpenRingAsync();

        second.Open(first.Seal("token"u8, Row), Row).ShouldBe("token"u8.ToArray());
        second.HashSecret("secret").ShouldBe(first.HashSecret("secret"));
        second.Mac("state", "x"u8).ShouldBe(first.Mac("state", "x"u8));
    }

    [Fact]
    public async Task Two_nodes_that_start_together_on_an_empty_store_share_one_ring()
    {
        await using var store = new KeyStore();
        FileRootKey.Create(store.RootKeyFile);

        var rings = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(store.OpenRingAsync)));

        var blob = rings[0].Seal("token"u8, Row);
        rings.ShouldAllBe(ring => ring.Open(blob, Row).Length == 5 && ring.HashSecret("s") == rings[0].HashSecret("s"));
        (await store.Storage.ListAllAsync<VaultKey>(index: null, CancellationToken.None)).Count.ShouldBe(1);
    }

    [Fact]
    public async Task T_CA_02_hashes_are_keyed_and_purposes_have_keys_of_their_own()
    {
        await using var store = new KeyStore();
        await using var other = new KeyStore();
        var ring = await store.OpenRingAsync();
        var otherRing = await other.OpenRingAsync();

        ring.HashSecret("secret").ShouldMatch("^[0-9a-f]{64}$");
        ring.HashSecret("secret").ShouldNotBe(otherRing.HashSecret("secret"));
        ring.HashSecret("secret").ShouldNotBe(Convert.ToHexStringLower(SHA256.HashData("secret"u8)));
        ring.HashSecret("secret").ShouldNotBe(ring.HashSecret("Secret"));
        ring.Mac("state", "x"u8).Length.ShouldBe(32);
        ring.Mac("state", "x"u8).ShouldNotBe(ring.Mac("cookie", "x"u8));
    }

    [Fact]
    public async Task F_23_another_root_key_is_refused_and_both_are_named()
    {
        await using var store = new KeyStore();
        await store.OpenRingAsync();
        var needed = FileRootKey.Load(store.RootKeyFile).Id;
        File.Move(store.RootKeyFile, store.OtherFile("kept.key"));
        var found = FileRootKey.Create(store.RootKeyFile).Id;

        var message = await RefusedAsync(store);

        message.ShouldContain(needed);
        message.ShouldContain(found);
        message.ShouldNotContain((await File.ReadAllTextAsync(store.RootKeyFile)).Trim());
        message.ShouldNotContain((await File.ReadAllTextAsync(store.OtherFile("kept.key"))).Trim());
    }

    [Fact]
    public async Task F_23_T_EN_06_a_missing_root_key_is_named_and_no_new_one_takes_its_place()
    {
        await using var store = new KeyStore();
        await store.OpenRingAsync();
        var needed = FileRootKey.Load(store.RootKeyFile).Id;
        File.Move(store.RootKeyFile, store.OtherFile("kept.key"));

        (await RefusedAsync(store)).ShouldContain(needed);
        File.Exists(store.RootKeyFile).ShouldBeFalse();

        File.Move(store.OtherFile("kept.key"), store.RootKeyFile);
        (await store.OpenRingAsync()).ShouldNotBeNull();
    }

    [Fact]
    public async Task T_EN_06_there_is_no_start_without_a_place_for_the_root_key()
    {
        await using var store = new KeyStore();

        var refusal = await Should.ThrowAsync<StartupException>(
            () => KeyRing.OpenAsync(store.Storage, new RootKeys(store.OtherFile("absent/root.key")), store.Clock, CancellationToken.None));

        refusal.Message.ShouldContain("absent/root.key");
        (await store.Storage.ListAllAsync<VaultKey>(index: null, CancellationToken.None)).ShouldBeEmpty();
    }

    [Fact]
    public async Task T_EN_02_a_vault_key_of_a_changed_row_is_refused()
    {
        await using var store = new KeyStore();
        await store.OpenRingAsync();
        var key = (await store.Storage.ListAllAsync<VaultKey>(index: null, CancellationToken.None)).Single();
        VaultKey[] changes =
        [
            key with { Wrapped = [.. key.Wrapped[..^1], (byte)(key.Wrapped[^1] ^ 1)] },
            key with { Wrapped = [] },
            key with { Check = (key.Check[0] == '0' ? '1' : '0') + key.Check[1..] },
            key with { Generation = 2 },
        ];

        foreach (var change in changes)
        {
            await store.TamperAsync(change with { Version = await VersionAsync(store, key) });
            var message = await RefusedAsync(store);
            message.ShouldContain(key.Id);
            message.ShouldContain(key.RootKeyId);
        }

        await store.TamperAsync(key with { Version = await VersionAsync(store, key) });
        (await store.OpenRingAsync()).ShouldNotBeNull();
    }

    [Fact]
    public async Task A_pepper_that_is_gone_or_changed_is_refused_and_not_made_anew()
    {
        await using var store = new KeyStore();
        await store.OpenRingAsync();
        var pepper = (await store.Storage.FindAsync<Pepper>(Pepper.OnlyId, CancellationToken.None)).ShouldNotBeNull();

        await store.TamperAsync(pepper with { Sealed = [.. pepper.Sealed[..^1], (byte)(pepper.Sealed[^1] ^ 1)] });
        (await RefusedAsync(store)).ShouldContain("pepper");

        (await store.Storage.CommitAsync(new Batch().Delete(pepper with { Version = 2 }))).Committed.ShouldBeTrue();
        (await RefusedAsync(store)).ShouldContain("pepper");
    }

    private static async Task<string> RefusedAsync(KeyStore store)
    {
        var message = (await Should.ThrowAsync<StartupException>(store.OpenRingAsync)).Message;
        message.ShouldNotContain('\n');
        return message;
    }

    private static async Task<long> VersionAsync(KeyStore store, VaultKey key) =>
        (await store.Storage.FindAsync<VaultKey>(key.Id, CancellationToken.None))!.Version;
}
