using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace TokenVault.Server.Keys;

/// <summary>A key of HMAC-SHA256 that is used all the time: it keeps what is set up with it, which costs more than the hash of a short text.</summary>
internal sealed class MacKey(byte[] key)
{
    /// <summary>As many as were in use at once: about one a core.</summary>
    private readonly ConcurrentBag<IncrementalHash> _idle = [];

    /// <summary>Over both parts, the second behind the first.</summary>
    /// <returns>32 bytes.</returns>
    public byte[] Of(ReadOnlySpan<byte> data, ReadOnlySpan<byte> rest)
    {
        if (!_idle.TryTake(out var hash))
        {
            hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key);
        }

        hash.AppendData(data);
        hash.AppendData(rest);
        var mac = hash.GetHashAndReset();
        _idle.Add(hash);
        return mac;
    }
}
