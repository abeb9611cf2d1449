using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace TokenVault.Server.Keys.Jose;

/// <summary>
/// Signs with one private key. Safe to share: a signature only reads the key. It lives as long as someone holds it, since requests
/// may still sign when the key has been rotated away; the runtime frees it.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "Shared by requests in flight; released by the finalizer of its handle.")]
internal sealed class JwsSigner
{
    private readonly JwsAlgorithm _algorithm;
    private readonly RSA? _rsa;
    private readonly ECDsa? _ec;
    private readonly int _signatureSize;
    private readonly ConcurrentDictionary<string, byte[]> _headers = new(StringComparer.Ordinal);

    internal JwsSigner(string kid, JwsAlgorithm algorithm, AsymmetricAlgorithm key)
    {
        Kid = kid;
        _algorithm = algorithm;
        _rsa = key as RSA;
        _ec = key as ECDsa;
        _signatureSize = algorithm.IsRsa ? (key.KeySize + 7) / 8 : 2 * algorithm.CoordinateSize;
    }

    public string Kid { get; }

    public string Alg => _algorithm.Name;

    /// <summary>A compact JWS (RFC 7515 §7.1) with the header <c>alg</c>, <c>typ</c>, <c>kid</c>.</summary>
    /// <param name="typ">A constant of the program.</param>
    /// <param name="payloadJson">The claims in UTF-8.</param>
    public string Sign(string typ, ReadOnlySpan<byte> payloadJson)
    {
        var header = _headers.GetOrAdd(typ, static (name, signer) => signer.Header(name), this);
        var inputSize = header.Length + Base64Url.GetEncodedLength(payloadJson.Length);
        var token = new byte[inputSize + 1 + Base64Url.GetEncodedLength(_signatureSize)];
        header.CopyTo(token, 0);
        Base64Url.EncodeToUtf8(payloadJson, token.AsSpan(header.Length));

        Span<byte> signature = stackalloc byte[_signatureSize];
        SignInput(token.AsSpan(0, inputSize), signature);
        token[inputSize] = (byte)'.';
        Base64Url.EncodeToUtf8(signature, token.AsSpan(inputSize + 1));
        return Encoding.ASCII.GetString(token);
    }

    private void SignInput(ReadOnlySpan<byte> input, Span<byte> signature)
    {
        var done = _rsa is not null
            ? _rsa.TrySignData(input, signature, _algorithm.Hash, _algorithm.Padding!, out var written)
            : _ec!.TrySignData(input, signature, _algorithm.Hash, DSASignatureFormat.IeeeP1363FixedFieldConcatenation, out written);
        if (!done || written != signature.Length)
        {
            throw new CryptographicException("The signature has not the size of its key.");
        }
    }

    /// <summary>The encoded header and the dot after it. All three values are of our own making and need no escaping.</summary>
    private byte[] Header(string typ) =>
        Encoding.ASCII.GetBytes(Base64Url.EncodeToString(Encoding.ASCII.GetBytes($$"""{"alg":"{{Alg}}","typ":"{{typ}}","kid":"{{Kid}}"}""")) + ".");
}
