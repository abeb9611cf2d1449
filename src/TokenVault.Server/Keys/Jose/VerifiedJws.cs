using System.Text;

namespace TokenVault.Server.Keys.Jose;

/// <summary>A compact JWS whose signature was verified (RFC 7515 §5.2). Only <see cref="Verify"/> makes one (T-ST-01).</summary>
internal sealed class VerifiedJws
{
    /// <summary>Beyond it no work is done at all.</summary>
    public const int LongestToken = 8 * 1024;

    private const int LongestHeader = 2 * 1024;

    // A signature of RSA 8192.
    private const int LargestSignature = 1024;

    private VerifiedJws(JwsHeader header, byte[] payload)
    {
        Header = header;
        Payload = payload;
    }

    public JwsHeader Header { get; }

    public byte[] Payload { get; }

    /// <summary>Checks form, canonical spelling, sizes, header and signature, in the order of their cost.</summary>
    /// <param name="token">From a stranger.</param>
    /// <param name="keyByKid">The key record; its algorithm counts, and the header must name the same one.</param>
    /// <param name="problem">For the log only.</param>
    public static VerifiedJws? Verify(string token, Func<string?, VerificationKey?> keyByKid, out string problem) =>
        VerifyWith(token, bringsKey: false, header => keyByKid(header.KeyId), out problem);

    /// <summary>The same for a token that brings its key along: it proves that its sender has that key, and nothing else.</summary>
    public static VerifiedJws? VerifyByItsKey(string token, Func<JwsHeader, VerificationKey?> keyOf, out string problem) =>
        VerifyWith(token, bringsKey: true, keyOf, out problem);

    private static VerifiedJws? VerifyWith(string token, bool bringsKey, Func<JwsHeader, VerificationKey?> keyOf, out string problem)
    {
        if (!TrySplit(token, out var first, out var second, out problem))
        {
            return null;
        }

        var header = ReadHeader(token.AsSpan(0, first), bringsKey, out problem);
        if (header is null)
        {
            return null;
        }

        Span<byte> signature = stackalloc byte[LargestSignature];
        var payload = StrictBase64Url.Decode(token.AsSpan(first + 1, second - first - 1));
        if (payload is null || !StrictBase64Url.TryDecode(token.AsSpan(second + 1), signature, out var signatureSize))
        {
            problem = "payload or signature is not canonical base64url";
            return null;
        }

        var key = keyOf(header);
        if (key is null)
        {
            problem = bringsKey ? "the key is not one that is accepted" : $"no key with kid '{header.KeyId}'";
            return null;
        }

        if (!string.Equals(header.Algorithm, key.Alg, StringComparison.Ordinal))
        {
            problem = $"the header's alg is not the key's, {key.Alg}";
            return null;
        }

        Span<byte> input = stackalloc byte[second];
        Encoding.ASCII.GetBytes(token.AsSpan(0, second), input);
        if (!key.Verify(input, signature[..signatureSize]))
        {
            problem = "the signature does not verify";
            return null;
        }

        return new VerifiedJws(header, payload);
    }

    private static bool TrySplit(string token, out int first, out int second, out string problem)
    {
        first = second = 0;
        if (token.Length > LongestToken)
        {
            problem = "the token is longer than 8 KiB";
            return false;
        }

        // Five parts would be a JWE: refused by form, before anything in it is looked at (T-ST-04).
        var dots = token.AsSpan().Count('.');
        if (dots != 2)
        {
            problem = $"the token has {dots + 1} parts";
            return false;
        }

        first = token.IndexOf('.', StringComparison.Ordinal);
        second = token.LastIndexOf('.');
        problem = first > LongestHeader ? "the header is longer than 2 KiB" : "";
        return first <= LongestHeader;
    }

    private static JwsHeader? ReadHeader(ReadOnlySpan<char> encoded, bool bringsKey, out string problem)
    {
        Span<byte> bytes = stackalloc byte[LongestHeader];
        if (StrictBase64Url.TryDecode(encoded, bytes, out var size))
        {
            return JwsHeader.Parse(bytes[..size], bringsKey, out problem);
        }

        problem = "the header is not canonical base64url";
        return null;
    }
}
