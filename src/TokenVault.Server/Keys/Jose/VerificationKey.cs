using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text.Json;

namespace TokenVault.Server.Keys.Jose;

/// <summary>
/// A public key with the one algorithm it may verify. It lives as long as someone holds it, since requests may still use it when
/// it has left the set; the runtime frees it.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "Shared by requests in flight; released by the finalizer of its handle.")]
internal sealed class VerificationKey
{
    private readonly JwsAlgorithm _algorithm;
    private readonly RSA? _rsa;
    private readonly ECDsa? _ec;
    private readonly int _signatureSize;

    internal VerificationKey(string? kid, JwsAlgorithm algorithm, AsymmetricAlgorithm key)
    {
        Kid = kid;
        _algorithm = algorithm;
        _rsa = key as RSA;
        _ec = key as ECDsa;
        _signatureSize = algorithm.IsRsa ? (key.KeySize + 7) / 8 : 2 * algorithm.CoordinateSize;
    }

    public string? Kid { get; }

    public string Alg => _algorithm.Name;

    /// <summary>Reads a public JWK strictly: right kind and curve, RSA of 2048 to 8192 bits with exponent 65537, for signatures, without a private part.</summary>
    /// <param name="jwk">The key, from JSON without duplicate members.</param>
    /// <param name="alg">The algorithm that the key record names; a JWK that names another is refused.</param>
    /// <param name="problem">Why there is no key; free of the key's content.</param>
    public static VerificationKey? FromJwk(JsonElement jwk, string alg, out string problem) => JwkReader.Read(jwk, alg, out problem);

    /// <summary>RFC 7638.</summary>
    public string Thumbprint() => Jwk.Thumbprint(_rsa ?? (AsymmetricAlgorithm)_ec!);

    /// <summary>Whether the signature is this key's over the data. The length is exact: no DER, no shortened numbers (T-ST-18).</summary>
    public bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        if (signature.Length != _signatureSize)
        {
            return false;
        }

        return _rsa is not null
            ? _rsa.VerifyData(data, signature, _algorithm.Hash, _algorithm.Padding!)
            : _ec!.VerifyData(data, signature, _algorithm.Hash, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
    }
}
