using System.Security.Cryptography;
using TokenVault.Server.Keys.Jose;

namespace TokenVault.Testing;

/// <summary>The key pairs of one vault and all of its nodes: none comes twice, because a key's id is its thumbprint.</summary>
internal sealed class VaultKeys
{
    private readonly HashSet<int> _taken = [];

    public AsymmetricAlgorithm Make(JwsAlgorithm algorithm) => (algorithm.IsRsa ? FromPool() : null) ?? algorithm.NewKey();

    /// <summary>Null when the vault has had its share.</summary>
    private RSA? FromPool()
    {
        lock (_taken)
        {
            for (var attempt = 0; attempt < KeyPool.Size; attempt++)
            {
                var number = KeyPool.Next();
                if (_taken.Add(number))
                {
                    return KeyPool.Open(number);
                }
            }
        }

        return null;
    }
}
