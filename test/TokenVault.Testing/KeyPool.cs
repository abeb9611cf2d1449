using System.Security.Cryptography;

namespace TokenVault.Testing;

/// <summary>RSA keys that many servers take in turn: making one costs as much as a whole test, and no test is about that.</summary>
internal static class KeyPool
{
    public const int Size = 24;

    private static readonly Lazy<RSAParameters>[] Keys = [.. Enumerable.Range(0, Size).Select(_ => new Lazy<RSAParameters>(Make))];

    private static uint _turn;

    /// <summary>The number of the key whose turn it is. Whoever asks twice gets two, unless many others asked in between.</summary>
    public static int Next() => (int)(Interlocked.Increment(ref _turn) % Size);

    public static RSA Open(int number) => RSA.Create(Keys[number].Value);

    public static RSA Take() => Open(Next());

    private static RSAParameters Make()
    {
        using var key = RSA.Create(2048);
        return key.ExportParameters(includePrivateParameters: true);
    }
}
