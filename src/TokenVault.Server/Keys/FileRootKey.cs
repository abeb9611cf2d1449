using System.Security.Cryptography;
using System.Text;

namespace TokenVault.Server.Keys;

/// <summary>
/// A root key in a file: base64 of 32 random bytes, readable by its owner alone (T-EN-05). It wraps with AES-256-GCM;
/// a blob is <c>0x01 ‖ nonce 12 ‖ ciphertext ‖ tag 16</c>.
/// </summary>
internal sealed class FileRootKey : IRootKey
{
    private const int KeySize = 32;
    private const int NonceSize = 12;
    private const int TagSize = 16;
    private const byte Format = 1;
    private const int LongestFile = 1024;

    // Thirty-one differences of random bytes repeat far less than this.
    private const int FewestDistinctSteps = 12;

    private readonly byte[] _key;

    private FileRootKey(byte[] key)
    {
        _key = key;
        Id = "root_" + Convert.ToHexStringLower(SHA256.HashData(key).AsSpan(0, 8));
    }

    public string Id { get; }

    /// <exception cref="StartupException">The file is missing, open to others, or holds no such key.</exception>
    public static FileRootKey Load(string file)
    {
        Span<byte> content = stackalloc byte[LongestFile];
        try
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read);
            if (PrivateFile.IsOpenToOthers(stream))
            {
                throw new StartupException($"The root key file '{file}' is open to group or others; allow its owner alone to read it (chmod 400).");
            }

            var length = stream.ReadAtLeast(content, LongestFile, throwOnEndOfStream: false);
            return Parse(file, content[..length]);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartupException($"The root key file '{file}' cannot be read: {e.Message}", e);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(content);
        }
    }

    /// <summary>Makes a new key in a new file; never replaces one.</summary>
    /// <exception cref="StartupException">The file cannot be written.</exception>
    public static FileRootKey Create(string file)
    {
        var key = GC.AllocateArray<byte>(KeySize, pinned: true);
        RandomNumberGenerator.Fill(key);
        var content = Encoding.ASCII.GetBytes(Convert.ToBase64String(key) + "\n");
        try
        {
            PrivateFile.Write(file, content, PrivateFile.OwnerReads, replace: false);
            return new FileRootKey(key);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartupException($"The root key file '{file}' cannot be written: {e.Message}", e);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(content);
        }
    }

    public byte[] Wrap(ReadOnlySpan<byte> key, ReadOnlySpan<byte> aad)
    {
        var blob = new byte[1 + NonceSize + key.Length + TagSize];
        blob[0] = Format;
        var nonce = blob.AsSpan(1, NonceSize);
        RandomNumberGenerator.Fill(nonce);
        using var gcm = new AesGcm(_key, TagSize);
        gcm.Encrypt(nonce, key, blob.AsSpan(1 + NonceSize, key.Length), blob.AsSpan(blob.Length - TagSize), aad);
        return blob;
    }

    public byte[] Unwrap(ReadOnlySpan<byte> blob, ReadOnlySpan<byte> aad)
    {
        if (blob.Length < 1 + NonceSize + TagSize || blob[0] != Format)
        {
            throw new BrokenSealException(Aad.PurposeOf(aad));
        }

        var key = GC.AllocateArray<byte>(blob.Length - 1 - NonceSize - TagSize, pinned: true);
        using var gcm = new AesGcm(_key, TagSize);
        try
        {
            gcm.Decrypt(blob.Slice(1, NonceSize), blob.Slice(1 + NonceSize, key.Length), blob[^TagSize..], key, aad);
            return key;
        }
        catch (AuthenticationTagMismatchException)
        {
            throw new BrokenSealException(Aad.PurposeOf(aad));
        }
    }

    private static FileRootKey Parse(string file, ReadOnlySpan<byte> content)
    {
        // Nothing of the content may reach a message: it is, or nearly is, the key.
        var key = GC.AllocateArray<byte>(KeySize, pinned: true);
        var status = System.Buffers.Text.Base64.DecodeFromUtf8(content.Trim("\r\n\t "u8), key, out _, out var written);
        if (status != System.Buffers.OperationStatus.Done || written != KeySize)
        {
            throw new StartupException($"The root key file '{file}' does not hold 32 bytes in base64 (make one with: openssl rand -base64 32).");
        }

        return LooksMade(key)
            ? throw new StartupException($"The root key file '{file}' holds a key that is not random (make one with: openssl rand -base64 32).")
            : new FileRootKey(key);
    }

    /// <summary>Zeros, sample keys that count upwards, and short repeated texts.</summary>
    private static bool LooksMade(byte[] key)
    {
        var steps = new HashSet<int>();
        for (var i = 1; i < key.Length; i++)
        {
            steps.Add((byte)(key[i] - key[i - 1]));
        }

        return steps.Count < FewestDistinctSteps;
    }
}
