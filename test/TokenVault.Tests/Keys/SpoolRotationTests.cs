using Microsoft.Extensions.Logging.Abstractions;
using TokenVault.Server;
using TokenVault.Server.Audit;
using TokenVault.Server.Connections;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Tokensets;

namespace TokenVault.Tests.Keys;

/// <summary>An answer in the spool outlives a rotation, and the key it was put there under.</summary>
public sealed class SpoolRotationTests
{
    [Fact]
    public async Task F_34_An_answer_that_still_waits_after_a_rotation_is_put_under_the_new_key_with_everything_in_it()
    {
        await using var store = new KeyStore();
        await using var ring = await store.OpenRingAsync();
        var old = ring.SealingId;
        var rows = new SealedStore(store.Storage, ring, store.Clock);
        var connection = rows.Connection();
        var claimed = rows.Tokenset(Identifier.User(), connection.Id, connection.Name) with { Attempt = new RefreshAttempt("attempt", 1, store.Clock.GetUtcNow(), UnknownSince: null) };
        var tokens = new ReceivedTokens("access", "refresh", ["calendar.read"], ExpiresAt: null, store.Clock.GetUtcNow(), "hash");
        var options = new TokenVaultOptions { DataDirectory = Path.GetDirectoryName(store.RootKeyFile)! };
        using (var spool = new RefreshSpool(options, ring, NullLogger<RefreshSpool>.Instance))
        {
            var slot = spool.Write(SpooledAnswer.Of(claimed, tokens, connection)).ShouldNotBeNull();
            spool.Leave(slot);
            spool.Renew(slot, spool.Leftovers().Single().Answer);
            spool.Leftovers().Single().Slot.ShouldBe(slot);

            await new KeyRotation(store.Storage, ring, new RootKeys(store.RootKeyFile), new AuditLog(ring, store.Clock), store.Clock).RotateAsync(CancellationToken.None);
            store.Clock.Advance(KeyRingSource.Announcement);
            spool.Renew(slot, spool.Leftovers().Single().Answer);
            spool.Leftovers().Single().Slot.ShouldNotBe(slot);
        }

        var file = await File.ReadAllBytesAsync(Path.Combine(options.DataDirectory, "refresh.spool"));
        file.AsSpan().IndexOf(BitConverter.GetBytes(System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(ring.SealingId))).ShouldBeGreaterThan(0);
        using var heir = new RefreshSpool(options, ring, NullLogger<RefreshSpool>.Instance);
        var answer = heir.Leftovers().Single().Answer;
        answer.Tokens!.RefreshToken.ShouldBe("refresh");
        Envelope.TryReadKekId(ConnectionSecret.BlobOf(answer.Connection), out var id).ShouldBeTrue();
        id.ShouldNotBe(old);
        ConnectionSecret.Open(ring, answer.Connection)!.Reveal().ShouldBe("client-secret");
        Envelope.TryReadKekId(answer.Connection.Key!.SealedPrivateKey, out var keyId).ShouldBeTrue();
        keyId.ShouldBe(id);
        answer.Connection.Key.Open(ring, connection.Id).Kid.ShouldBe(connection.Key!.Kid);
    }
}
