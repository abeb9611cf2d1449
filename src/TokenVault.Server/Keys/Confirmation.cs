using System.Text.Json.Serialization;

namespace TokenVault.Server.Keys;

/// <summary>Keys that a caller has proved to hold, or that a token is bound to (RFC 7800): without them it is good for nothing.</summary>
internal sealed record Confirmation
{
    public static Confirmation None { get; } = new();

    /// <summary>Of the DPoP key (RFC 9449 §6.1): <c>jkt</c>.</summary>
    public string? KeyThumbprint { get; init; }

    /// <summary>Of the client's certificate (RFC 8705 §3.1): <c>x5t#S256</c>.</summary>
    public string? CertificateThumbprint { get; init; }

    [JsonIgnore]
    public bool IsNone => KeyThumbprint is null && CertificateThumbprint is null;

    /// <summary>Whether whoever proved <paramref name="proven"/> holds all that this binds to.</summary>
    public bool IsMetBy(Confirmation proven) =>
        (KeyThumbprint is null || string.Equals(KeyThumbprint, proven.KeyThumbprint, StringComparison.Ordinal))
        && (CertificateThumbprint is null || string.Equals(CertificateThumbprint, proven.CertificateThumbprint, StringComparison.Ordinal));
}
