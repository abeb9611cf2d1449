using Microsoft.Extensions.Logging.Abstractions;
using TokenVault.Server;
using TokenVault.Server.Audit;
using TokenVault.Server.Keys;
using TokenVault.Server.Storage;
using TokenVault.Testing;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Keys;

public sealed class KeyRetirementTests
{
    [Fact]
    public async Task F_21_A_rotation_that_takes_effect_during_a_retirement_does_not_destroy_the_key_everything_is_under()
    {
        await using var store = KeyStore.Open();
        var clock = new TurningClock(store.Clock);
        var storage = new TamperedStorage(store.Storage);
        var roots = new RootKeys(store.RootKeyFile);
        await using var ring = await KeyRing.OpenAsync(storage, roots, clock, CancellationToken.None);
        await new SealedStore(storage, ring, clock).FillAsync(tokensets: 10);
        var audit = new AuditLog(ring, clock);
        var rotation = new KeyRotation(storage, ring, roots, audit, clock);
        var rewrap = new KeyRewrap(storage, ring, SealedNouns.All, audit, clock, NullLogger<KeyRewrap>.Instance);
        await rotation.RotateAsync(CancellationToken.None);
        store.Clock.Advance(KeyRingSource.Announcement);
        (await rewrap.RunAsync(_ => { }, anew: false, CancellationToken.None)).ShouldBe(RewrapOutcome.Done);
        store.Clock.Advance(TimeSpan.FromDays(30));
        var holding = ring.SealingId;

        // The next rotation is made as the confirming pass ends, and its five seconds are over between two looks at the sealing key.
        storage.Committed = batch =>
        {
            if (batch.Operations.OfType<ReleaseLeaseOperation>().Any() && !clock.IsArmed)
            {
                rotation.RotateAsync(CancellationToken.None).GetAwaiter().GetResult();
                clock.Arm(1);
            }
        };
        var retired = await rewrap.RetireAsync(TimeSpan.FromDays(30), CancellationToken.None);

        retired.Select(key => key.KekId).ShouldNotContain(holding);
    }

    private sealed class TurningClock(VaultClock inner) : TimeProvider
    {
        private int _left = -1;
        private bool _armed;

        public bool IsArmed => _armed;

        public override long TimestampFrequency => inner.TimestampFrequency;

        public void Arm(int looks) => (_armed, _left) = (true, looks);

        public override DateTimeOffset GetUtcNow() => inner.GetUtcNow();

        public override long GetTimestamp()
        {
            if (_armed && _left-- == 0)
            {
                inner.Advance(KeyRingSource.Announcement);
            }

            return inner.GetTimestamp();
        }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            inner.CreateTimer(callback, state, dueTime, period);
    }
}
