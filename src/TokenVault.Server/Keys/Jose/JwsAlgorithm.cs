using System.Security.Cryptography;

namespace TokenVault.Server.Keys.Jose;

/// <summary>An asymmetric signature algorithm of RFC 7518 §3.1. There is no symmetric one, and no <c>none</c> (T-ST-02).</summary>
internal sealed class JwsAlgorithm
{
    private const int RsaSize = 2048;

    private static readonly Dictionary<string, JwsAlgorithm> Known = new(StringComparer.Ordinal)
    {
        ["RS256"] = Rsa("RS256", HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
        ["RS384"] = Rsa("RS384", HashAlgorithmName.SHA384, RSASignaturePadding.Pkcs1),
        ["RS512"] = Rsa("RS512", HashAlgorithmName.SHA512, RSASignaturePadding.Pkcs1),
        ["PS256"] = Rsa("PS256", HashAlgorithmName.SHA256, RSASignaturePadding.Pss),
        ["PS384"] = Rsa("PS384", HashAlgorithmName.SHA384, RSASignaturePadding.Pss),
        ["PS512"] = Rsa("PS512", HashAlgorithmName.SHA512, RSASignaturePadding.Pss),
        ["ES256"] = Ec("ES256", HashAlgorithmName.SHA256, "P-256", ECCurve.NamedCurves.nistP256, coordinateSize: 32),
        ["ES384"] = Ec("ES384", HashAlgorithmName.SHA384, "P-384", ECCurve.NamedCurves.nistP384, coordinateSize: 48),
        ["ES512"] = Ec("ES512", HashAlgorithmName.SHA512, "P-521", ECCurve.NamedCurves.nistP521, coordinateSize: 66),
    };

    public required string Name { get; init; }

    public required HashAlgorithmName Hash { get; init; }

    /// <summary>Null for elliptic curves. The salt of PSS is as long as the hash, as .NET makes and demands it (RFC 7518 §3.5).</summary>
    public RSASignaturePadding? Padding { get; init; }

    /// <summary>The curve as a JWK calls it; null for RSA.</summary>
    public string? CurveName { get; init; }

    public ECCurve Curve { get; init; }

    public int CoordinateSize { get; init; }

    public bool IsRsa => Padding is not null;

    public static JwsAlgorithm? Find(string name) => Known.GetValueOrDefault(name);

    /// <summary>A new key pair for it.</summary>
    public AsymmetricAlgorithm NewKey() => IsRsa ? RSA.Create(RsaSize) : ECDsa.Create(Curve);

    private static JwsAlgorithm Rsa(string name, HashAlgorithmName hash, RSASignaturePadding padding) =>
        new() { Name = name, Hash = hash, Padding = padding };

    private static JwsAlgorithm Ec(string name, HashAlgorithmName hash, string curveName, ECCurve curve, int coordinateSize) =>
        new() { Name = name, Hash = hash, CurveName = curveName, Curve = curve, CoordinateSize = coordinateSize };
}
