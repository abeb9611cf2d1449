using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace TokenVault.Server.Storage.Migration;

/// <summary>The number of rows and the SHA-256 over every value of every row, each with its length so that no two contents look alike.</summary>
internal sealed class TableDigest : IDisposable
{
    private const int Null = -1;

    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    public long Rows { get; private set; }

    /// <param name="row">Texts, numbers, byte strings or nulls.</param>
    public void Add(object?[] row)
    {
        Rows++;
        foreach (var value in row)
        {
            switch (value)
            {
                case null:
                    AddLength(Null);
                    break;
                case string text:
                    Add(Encoding.UTF8.GetBytes(text));
                    break;
                case long number:
                    Add(number);
                    break;
                default:
                    Add((byte[])value);
                    break;
            }
        }
    }

    public byte[] Finish() => _hash.GetHashAndReset();

    public void Dispose() => _hash.Dispose();

    private void Add(long number)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(bytes, number);
        Add(bytes);
    }

    private void Add(ReadOnlySpan<byte> value)
    {
        AddLength(value.Length);
        _hash.AppendData(value);
    }

    private void AddLength(int length)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(bytes, length);
        _hash.AppendData(bytes);
    }
}
