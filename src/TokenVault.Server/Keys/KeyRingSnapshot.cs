using System.Collections.Frozen;

namespace TokenVault.Server.Keys;

/// <summary>
/// The vault keys at one moment. A key that comes while the server runs opens at once and seals a little later: by then every other node
/// has heard of it, so that nobody reads a value whose key they do not have.
/// </summary>
internal sealed class KeyRingSnapshot
{
    private readonly FrozenDictionary<ulong, Kek> _keks;
    private readonly Kek _newest;
    private readonly Kek _former;
    private readonly long _newestSealsFrom;

    private KeyRingSnapshot(FrozenDictionary<ulong, Kek> keks, Kek newest, Kek former, long newestSealsFrom)
    {
        _keks = keks;
        _newest = newest;
        _former = former;
        _newestSealsFrom = newestSealsFrom;
    }

    /// <param name="keks">In the order of their generations.</param>
    /// <param name="before">What is replaced; null at the start.</param>
    /// <param name="sealsFrom">When, by the clock's timestamp, a newest key seals that <paramref name="before"/> did not have.</param>
    /// <param name="sealing">What <paramref name="before"/> seals with: it goes on doing so until then, though keys came between it and the newest.</param>
    public static KeyRingSnapshot Of(IReadOnlyList<Kek> keks, KeyRingSnapshot? before, long sealsFrom, Kek? sealing = null)
    {
        var all = keks.ToFrozenDictionary(kek => kek.Id);
        var newest = keks[^1];
        if (before is not null && before._newest.Id == newest.Id)
        {
            var former = all.GetValueOrDefault(before._former.Id) ?? newest;
            return new KeyRingSnapshot(all, newest, former, before._newestSealsFrom);
        }

        var until = sealing is null ? null : all.GetValueOrDefault(sealing.Id);
        return new KeyRingSnapshot(all, newest, until ?? (keks.Count > 1 ? keks[^2] : newest), sealsFrom);
    }

    public Kek? Find(ulong id) => _keks.GetValueOrDefault(id);

    public Kek Sealing(TimeProvider time) => ReferenceEquals(_former, _newest) || time.GetTimestamp() >= _newestSealsFrom ? _newest : _former;
}
