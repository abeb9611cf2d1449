using System.Buffers.Binary;

namespace TokenVault.Server.Keys;

/// <summary>
/// Data keys of values that were opened lately, for what is opened again and again: the same wrapped key unwraps to the same key. They lie in
/// pinned memory, as the vault key does that unwrapped them, and are let go with it. Where too many share a place, one is forgotten.
/// </summary>
internal sealed class UnwrappedKeys
{
    /// <summary>Four keys each: a third more than there are remembered rows, unless an operator wants more of those.</summary>
    private const int Sets = 4_096;

    private const int Ways = 4;
    private const int Gates = 64;

    /// <summary>The name, the key, and whether there is one.</summary>
    private const int Size = NameSize + Kek.KeySize + 1;

    /// <summary>The key as it is wrapped, and the value's commitment to it: the one has been unwrapped, and the other compared.</summary>
    public const int NameSize = Kek.WrappedSize + Envelope.CommitmentSize;

    private readonly byte[] _places = GC.AllocateArray<byte>(Sets * Ways * Size, pinned: true);
    private readonly Lock[] _gates = [.. Enumerable.Range(0, Gates).Select(_ => new Lock())];

    /// <param name="name">Of <see cref="NameSize"/>.</param>
    /// <param name="key">Of <see cref="Kek.KeySize"/>; as it was when it returns false.</param>
    public bool TryFind(ReadOnlySpan<byte> name, Span<byte> key)
    {
        var set = SetOf(name);
        lock (_gates[set % Gates])
        {
            for (var way = 0; way < Ways; way++)
            {
                var place = Place(set, way);
                if (place[^1] != 0 && place.StartsWith(name))
                {
                    place.Slice(NameSize, Kek.KeySize).CopyTo(key);
                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>Only what has opened its value.</summary>
    public void Keep(ReadOnlySpan<byte> name, ReadOnlySpan<byte> key)
    {
        var set = SetOf(name);
        lock (_gates[set % Gates])
        {
            // Any of them, when there is no room: what is in use comes back.
            var way = name[^1] % Ways;
            for (var i = 0; i < Ways && Place(set, way)[^1] != 0 && !Place(set, way).StartsWith(name); i++)
            {
                way = (way + 1) % Ways;
            }

            var place = Place(set, way);
            name.CopyTo(place);
            key.CopyTo(place[NameSize..]);
            place[^1] = 1;
        }
    }

    /// <summary>Wrapped keys look random.</summary>
    private static int SetOf(ReadOnlySpan<byte> name) => (int)(BinaryPrimitives.ReadUInt32LittleEndian(name) % Sets);

    private Span<byte> Place(int set, int way) => _places.AsSpan(((set * Ways) + way) * Size, Size);
}
