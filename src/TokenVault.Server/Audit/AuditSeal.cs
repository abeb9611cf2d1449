using System.Buffers.Binary;
using TokenVault.Server.Keys;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Audit;

/// <summary>
/// What makes an audit row the server's own, and its place in the log the one it was given. Both are keyed by the ring's pepper, which no
/// role of the database knows (T-AU-03).
/// </summary>
internal static class AuditSeal
{
    /// <summary>128 bits: nobody can try links without the key.</summary>
    public const int LinkLength = 16;

    /// <summary>Over everything that a row says: from its making on, before it has a place.</summary>
    public static byte[] Of(KeyRing ring, AuditRow row) => Of(ring, row.Id, row.At, row.UserId, row.Body);

    /// <summary>What a stored row's seal has to be.</summary>
    public static byte[] Of(KeyRing ring, StoredAuditRow row) => Of(ring, row.Id, row.At, row.UserId, row.Body);

    /// <summary>One step of the chain: the row at its place, behind the one before it.</summary>
    /// <param name="previous">The link of the row before; empty at the very beginning.</param>
    /// <param name="seal">The row's own, as it has to be.</param>
    public static byte[] Link(KeyRing ring, ReadOnlySpan<byte> previous, StoredAuditRow row, ReadOnlySpan<byte> seal)
    {
        Span<byte> place = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(place, row.Sequence);
        return ring.Mac("audit-link", [.. previous, .. place, .. seal])[..LinkLength];
    }

    private static byte[] Of(KeyRing ring, string id, DateTimeOffset at, string? userId, byte[] body)
    {
        // The store keeps microseconds. A row of nobody is not the row of a user without a name.
        var instant = at.ToMicroseconds().ToString(System.Globalization.CultureInfo.InvariantCulture);
        var identity = userId is null ? Aad.For("audit-row", id, instant) : Aad.For("audit-row", id, instant, userId);
        return ring.Mac("audit-row", [.. identity, (byte)(userId is null ? 0 : 1)], body);
    }
}
