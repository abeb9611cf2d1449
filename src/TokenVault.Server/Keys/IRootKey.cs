namespace TokenVault.Server.Keys;

/// <summary>The key above all keys. It wraps the vault's few keys and nothing else, so it may live in a file, a module or a service.</summary>
internal interface IRootKey
{
    /// <summary>Names the key without telling it; derived from it, so that a mix-up is found at start.</summary>
    string Id { get; }

    byte[] Wrap(ReadOnlySpan<byte> key, ReadOnlySpan<byte> aad);

    /// <exception cref="BrokenSealException">It was wrapped by another key, for something else, or was changed.</exception>
    byte[] Unwrap(ReadOnlySpan<byte> blob, ReadOnlySpan<byte> aad);
}
