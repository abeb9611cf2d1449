using System.Buffers.Binary;
using System.IO.Compression;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;
using TokenVault.Server.Connections;
using TokenVault.Server.Diagnostics;
using TokenVault.Server.Keys;

namespace TokenVault.Server.Tokensets;

/// <summary>
/// Where a provider's answer waits while the store cannot take it: a file whose space was taken beforehand, so that a full disk
/// does not matter, each answer sealed in a slot of its own and flushed to the disk. Any node with the root key can drain it.
/// </summary>
internal sealed class RefreshSpool : IDisposable
{
    private const int SlotSize = 64 * 1024;
    private const int Slots = 256;
    private const int HeaderSize = sizeof(int);

    private readonly SafeFileHandle _file;
    private readonly KeyRing _ring;
    private readonly ILogger<RefreshSpool> _logger;
    private readonly Lock _gate = new();
    private readonly bool[] _taken = new bool[Slots];
    private readonly SortedSet<int> _leftovers = [];

    /// <exception cref="StartupException">The file cannot be made at its full size.</exception>
    public RefreshSpool(TokenVaultOptions options, KeyRing ring, ILogger<RefreshSpool> logger)
    {
        _ring = ring;
        _logger = logger;
        var path = Path.Combine(options.DataDirectory, "refresh.spool");
        try
        {
            _file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, FileOptions.WriteThrough);
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(_file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            }

            Reserve();
            Survey();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartupException($"The spool '{path}' cannot be prepared: {e.Message}");
        }
    }

    /// <summary>Keeps an answer; null when there is no room, or the disk does not take it.</summary>
    public int? Write(SpooledAnswer answer)
    {
        var sealedAnswer = _ring.Seal(Packed(JsonSerializer.SerializeToUtf8Bytes(answer, SpoolJson.Default.SpooledAnswer)), Aad.For("spool"));
        if (sealedAnswer.Length > SlotSize - HeaderSize || Take() is not { } slot)
        {
            Log.SpoolFull(_logger);
            return null;
        }

        try
        {
            // The length goes last: a slot that was only half written stays empty.
            RandomAccess.Write(_file, sealedAnswer, Offset(slot) + HeaderSize);
            RandomAccess.FlushToDisk(_file);
            WriteLength(slot, sealedAnswer.Length);
            return slot;
        }
        catch (IOException e)
        {
            Log.SpoolBroken(_logger, e);
            Free(slot);
            return null;
        }
    }

    /// <summary>The answer is in the store.</summary>
    public void Clear(int slot)
    {
        try
        {
            WriteLength(slot, 0);
            Free(slot);
        }
        catch (IOException e)
        {
            // It stays taken; landed once more after a restart, it is known by its receipt.
            Log.SpoolBroken(_logger, e);
        }
    }

    /// <summary>An answer that waits longer than a vault key lasts is put under the one that seals now, in a slot of its own first.</summary>
    public void Renew(int slot, SpooledAnswer answer)
    {
        if (Envelope.TryReadKekId(Read(slot), out var id) && id != _ring.SealingId
            && Write(answer with { Connection = ConnectionSecret.Renewed(_ring, answer.Connection) }) is { } renewed)
        {
            Leave(renewed);
            Clear(slot);
        }
    }

    /// <summary>The answer waits for the next drain.</summary>
    public void Leave(int slot)
    {
        lock (_gate)
        {
            _leftovers.Add(slot);
        }
    }

    /// <summary>What waits, until it is cleared. A slot that does not open is reported once and left alone.</summary>
    public IEnumerable<(int Slot, SpooledAnswer Answer)> Leftovers()
    {
        foreach (var slot in Waiting())
        {
            if (Open(Read(slot)) is { } answer)
            {
                yield return (slot, answer);
                continue;
            }

            lock (_gate)
            {
                _leftovers.Remove(slot);
            }
        }
    }

    public void Dispose() => _file.Dispose();

    private SpooledAnswer? Open(byte[] sealedAnswer)
    {
        try
        {
            return JsonSerializer.Deserialize(Unpacked(_ring.Open(sealedAnswer, Aad.For("spool"))), SpoolJson.Default.SpooledAnswer);
        }
        catch (Exception e) when (e is BrokenSealException or JsonException or InvalidDataException)
        {
            Log.SpoolCorrupt(_logger, e);
            return null;
        }
    }

    /// <summary>JSON makes six bytes of a page's each angle bracket: what may not fit a slot is compressed, and shows by not beginning as JSON does.</summary>
    private static byte[] Packed(byte[] json)
    {
        if (json.Length <= SlotSize / 2)
        {
            return json;
        }

        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Optimal))
        {
            gzip.Write(json);
        }

        return packed.ToArray();
    }

    private static byte[] Unpacked(byte[] plaintext)
    {
        if (plaintext is [(byte)'{', ..])
        {
            return plaintext;
        }

        using var gzip = new GZipStream(new MemoryStream(plaintext), CompressionMode.Decompress);
        using var json = new MemoryStream();
        gzip.CopyTo(json);
        return json.ToArray();
    }

    /// <summary>Zeroes take the blocks for real; a sparse file would not.</summary>
    private void Reserve()
    {
        var zeroes = new byte[SlotSize];
        for (var slot = (int)(RandomAccess.GetLength(_file) / SlotSize); slot < Slots; slot++)
        {
            RandomAccess.Write(_file, zeroes, Offset(slot));
        }

        RandomAccess.FlushToDisk(_file);
    }

    /// <summary>What an earlier run left is not written over, however early the first new answer comes.</summary>
    private void Survey()
    {
        for (var slot = 0; slot < Slots; slot++)
        {
            if (ReadLength(slot) != 0)
            {
                _taken[slot] = true;
                _leftovers.Add(slot);
            }
        }
    }

    private List<int> Waiting()
    {
        lock (_gate)
        {
            return [.. _leftovers];
        }
    }

    private byte[] Read(int slot)
    {
        var sealedAnswer = new byte[Math.Clamp(ReadLength(slot), 0, SlotSize - HeaderSize)];
        RandomAccess.Read(_file, sealedAnswer, Offset(slot) + HeaderSize);
        return sealedAnswer;
    }

    private int ReadLength(int slot)
    {
        Span<byte> header = stackalloc byte[HeaderSize];
        RandomAccess.Read(_file, header, Offset(slot));
        return BinaryPrimitives.ReadInt32BigEndian(header);
    }

    private void WriteLength(int slot, int length)
    {
        Span<byte> header = stackalloc byte[HeaderSize];
        BinaryPrimitives.WriteInt32BigEndian(header, length);
        RandomAccess.Write(_file, header, Offset(slot));
        RandomAccess.FlushToDisk(_file);
    }

    private int? Take()
    {
        lock (_gate)
        {
            var slot = Array.IndexOf(_taken, false);
            if (slot < 0)
            {
                return null;
            }

            _taken[slot] = true;
            return slot;
        }
    }

    private void Free(int slot)
    {
        lock (_gate)
        {
            _taken[slot] = false;
            _leftovers.Remove(slot);
        }
    }

    private static long Offset(int slot) => (long)slot * SlotSize;
}
