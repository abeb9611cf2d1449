using System.Security.Cryptography;
using BenchmarkDotNet.Attributes;
using TokenVault.Server.Keys;

namespace TokenVault.Benchmarks.Micro;

/// <summary>A tokenset's 2 KB into the envelope and out of it.</summary>
[InProcess]
[MemoryDiagnoser]
public class SealBenchmarks
{
    private readonly byte[] _plaintext = RandomNumberGenerator.GetBytes(2_048);
    private readonly byte[] _aad = Aad.For("tokenset", "auth0|0123456789abcdef01234567", "con_0123456789abcdef", "cac_1", "fct_1", "grant", "1");
    private readonly KeyRing _ring = new([new Kek(1, RandomNumberGenerator.GetBytes(32))], RandomNumberGenerator.GetBytes(32));
    private byte[] _blob = [];

    [GlobalSetup]
    public void SetUp() => _blob = _ring.Seal(_plaintext, _aad);

    [Benchmark]
    public byte[] Seal() => _ring.Seal(_plaintext, _aad);

    [Benchmark]
    public byte[] Open() => _ring.Open(_blob, _aad);
}
