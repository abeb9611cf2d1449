using System.Numerics;

namespace TokenVault.Server.Storage;

/// <summary>
/// Which names came not long ago, by two bytes each: a place of its own by the one half of the name's hash, the other half in it. It may err
/// either way, seldom, so it decides nothing but what is worth remembering. The hashes are secret (they are another process's otherwise), so
/// nobody can choose names that share a place.
/// </summary>
internal sealed class SeenLately
{
    // As many as can come in between, of each that may be remembered.
    private const int Between = 4;

    private readonly ushort[] _seen;

    public SeenLately(int remembered) => _seen = new ushort[BitOperations.RoundUpToPowerOf2((uint)Math.Max(remembered, 1) * Between)];

    /// <summary>Whether it came before; from now on it did.</summary>
    public bool Again(string name)
    {
        var hash = (uint)name.GetHashCode(StringComparison.Ordinal);
        ref var seen = ref _seen[hash & (uint)(_seen.Length - 1)];

        // The place says the lower bits already; zero is an empty place.
        var mark = (ushort)Math.Max(hash >> 16, 1);
        var again = seen == mark;
        seen = mark;
        return again;
    }
}
