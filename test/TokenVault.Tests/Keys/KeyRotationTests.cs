using TokenVault.Server;
using TokenVault.Server.Audit;
using TokenVault.Server.Keys;
using TokenVault.Server.Storage;
using TokenVault.Tests.Storage;

namespace TokenVault.Tests.Keys;

/// <summary>New vault keys, seen by the nodes that share a store.</summary>
public sealed class KeyRotationTests
{
    private static readonly byte[] Row = Aad.For("tokenset", "fct_1");
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Fact]
    public async Task T_EN_10_A_new_key_opens_on_every_node_before_any_node_seals_with_it()
    {
        await using var store = new KeyStore();
        await using var one = await store.OpenRingAsync();
        await using var other = await store.OpenRingAsync();
        var before = one.Seal("old"u8, Row);

        var key = await Rotation(store, one).RotateAsync(CancellationToken.None);

        one.SealingId.ShouldNotBe(key.KekId);
        store.Clock.Advance(KeyRingSource.Announcement - Second);
        one.SealingId.ShouldNotBe(key.KekId);
        store.Clock.Advance(Second);
        one.SealingId.ShouldBe(key.KekId);
        var after = one.Seal("new"u8, Row);
        other.Open(after, Row).ShouldBe("new"u8.ToArray());
        other.Open(before, Row).ShouldBe("old"u8.ToArray());
        one.Open(before, Row).ShouldBe("old"u8.ToArray());
        one.HashSecret("s").ShouldBe(other.HashSecret("s"));
    }

    [Fact]
    public async Task A_node_that_starts_right_after_a_rotation_waits_too_and_one_that_starts_later_does_not()
    {
        await using var store = new KeyStore();
        await using var one = await store.OpenRingAsync();
        var key = await Rotation(store, one).RotateAsync(CancellationToken.None);

        await using var early = await store.OpenRingAsync();
        early.SealingId.ShouldNotBe(key.KekId);
        store.Clock.Advance(KeyRingSource.Announcement);
        early.SealingId.ShouldBe(key.KekId);
        await using var late = await store.OpenRingAsync();
        late.SealingId.ShouldBe(key.KekId);
    }

    [Fact]
    public async Task T_EN_10_A_second_rotation_right_after_the_first_makes_no_key_seal_early()
    {
        await using var store = new KeyStore();
        await using var ring = await store.OpenRingAsync();
        var old = ring.SealingId;

        await Rotation(store, ring).RotateAsync(CancellationToken.None);
        store.Clock.Advance(Second);
        var newest = await Rotation(store, ring).RotateAsync(CancellationToken.None);

        ring.SealingId.ShouldBe(old);
        store.Clock.Advance(KeyRingSource.Announcement - Second);
        ring.SealingId.ShouldBe(old);
        store.Clock.Advance(Second);
        ring.SealingId.ShouldBe(newest.KekId);
    }

    [Fact]
    public async Task F_21_A_node_that_has_heard_nothing_looks_once_for_a_key_it_does_not_know()
    {
        await using var store = new KeyStore();
        await using var one = await store.OpenRingAsync();
        var deafStorage = new DeafStorage(store.Storage);
        await using var deaf = await KeyRing.OpenAsync(deafStorage, new RootKeys(store.RootKeyFile), store.Clock, CancellationToken.None);
        await Rotation(store, one).RotateAsync(CancellationToken.None);
        store.Clock.Advance(KeyRingSource.Announcement);
        var blob = one.Seal("token"u8, Row);
        var reads = deafStorage.Lists;

        Should.Throw<BrokenSealException>(() => deaf.OpenForeign(blob, Row));
        deafStorage.Lists.ShouldBe(reads);
        await Task.WhenAll(Enumerable.Range(0, 64).Select(_ => Task.Run(() => deaf.Open(blob, Row).ShouldBe("token"u8.ToArray()))));

        deafStorage.Lists.ShouldBe(reads + 1);
    }

    [Fact]
    public async Task Values_that_name_made_up_keys_cost_one_read_a_second()
    {
        await using var store = new KeyStore();
        await store.OpenRingAsync();
        var deafStorage = new DeafStorage(store.Storage);
        await using var ring = await KeyRing.OpenAsync(deafStorage, new RootKeys(store.RootKeyFile), store.Clock, CancellationToken.None);
        var reads = deafStorage.Lists;
        var blob = ring.Seal("token"u8, Row);
        blob[5] ^= 1;

        for (var second = 1; second <= 3; second++)
        {
            for (var i = 0; i < 100; i++)
            {
                Should.Throw<BrokenSealException>(() => ring.Open(blob, Row));
            }

            deafStorage.Lists.ShouldBe(reads + second);
            store.Clock.Advance(Second);
        }
    }

    [Fact]
    public async Task A_new_root_key_takes_over_all_vault_keys_in_one_step_and_the_former_is_not_needed_any_more()
    {
        await using var store = new KeyStore();
        await using var ring = await store.OpenRingAsync();
        var rotation = Rotation(store, ring);
        await rotation.RotateAsync(CancellationToken.None);
        var blob = ring.Seal("token"u8, Row);
        var former = FileRootKey.Load(store.RootKeyFile).Id;
        (await Should.ThrowAsync<StartupException>(() => rotation.RotateRootAsync(CancellationToken.None))).Message.ShouldContain("move it to");

        File.Move(store.RootKeyFile, store.RootKeyFile + ".previous");
        var root = FileRootKey.Create(store.RootKeyFile).Id;
        await using var between = await store.OpenRingAsync();
        between.Open(blob, Row).ShouldBe("token"u8.ToArray());
        (await rotation.RotateRootAsync(CancellationToken.None)).ShouldBe(new RootRotation(former, root, 2));

        File.Delete(store.RootKeyFile + ".previous");
        await using var after = await store.OpenRingAsync();
        after.Open(blob, Row).ShouldBe("token"u8.ToArray());
        await rotation.RotateAsync(CancellationToken.None);
        (await store.Storage.ListAllAsync<VaultKey>(index: null, CancellationToken.None)).ShouldAllBe(key => key.RootKeyId == root);
        ring.Staleness.ShouldBeNull();
    }

    [Fact]
    public async Task F_23_Without_the_root_key_in_use_nothing_is_rotated_and_it_is_named()
    {
        await using var store = new KeyStore();
        await using var ring = await store.OpenRingAsync();
        var needed = FileRootKey.Load(store.RootKeyFile).Id;
        File.Delete(store.RootKeyFile);
        FileRootKey.Create(store.RootKeyFile);

        (await Should.ThrowAsync<StartupException>(() => Rotation(store, ring).RotateAsync(CancellationToken.None))).Message.ShouldContain(needed);
        (await Should.ThrowAsync<StartupException>(() => Rotation(store, ring).RotateRootAsync(CancellationToken.None))).Message.ShouldContain(needed);

        (await store.Storage.ListAllAsync<VaultKey>(index: null, CancellationToken.None)).ShouldHaveSingleItem().RootKeyId.ShouldBe(needed);
    }

    [Fact]
    public async Task A_node_that_cannot_unwrap_a_new_key_says_so_and_goes_on_with_those_it_has()
    {
        await using var store = new KeyStore();
        await using var ring = await store.OpenRingAsync();
        var key = (await store.Storage.ListAllAsync<VaultKey>(index: null, CancellationToken.None)).Single();
        var foreign = FileRootKey.Create(store.OtherFile("other.key"));
        await store.Storage.CommitAsync(new Batch().Insert(VaultKey.Create(2, foreign, store.Clock.GetUtcNow()).Stored));

        SpinWait.SpinUntil(() => ring.Staleness is StartupException, TimeSpan.FromSeconds(10)).ShouldBeTrue();
        ring.SealingId.ShouldBe(key.KekId);
        ring.Staleness!.Message.ShouldContain(foreign.Id);
    }

    private static KeyRotation Rotation(KeyStore store, KeyRing ring) =>
        new(store.Storage, ring, new RootKeys(store.RootKeyFile), new AuditLog(ring, store.Clock), store.Clock);
}
