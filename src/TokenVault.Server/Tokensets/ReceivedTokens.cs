using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using TokenVault.Server.Connections;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Tokensets;

/// <summary>A provider's answer on its way into a tokenset; sealed wherever it rests.</summary>
internal sealed record ReceivedTokens(
    [property: JsonPropertyName("a")] string AccessToken,
    [property: JsonPropertyName("r")] string? RefreshToken,
    [property: JsonPropertyName("s")] IReadOnlyList<string>? Scopes,
    [property: JsonPropertyName("e")] DateTimeOffset? ExpiresAt,
    [property: JsonPropertyName("t")] DateTimeOffset ReceivedAt,
    [property: JsonPropertyName("h")] string SentHash)
{
    [JsonPropertyName("g")]
    public DateTimeOffset? RefreshTokenExpiresAt { get; init; }

    /// <param name="sent">The refresh token that these came for.</param>
    public static ReceivedTokens From(ProviderTokens tokens, Secret sent, DateTimeOffset receivedAt) =>
        new(tokens.AccessToken.Reveal(), tokens.RefreshToken?.Reveal(), tokens.Scopes, tokens.ExpiresAt, receivedAt, Identifier.Hash(sent.Reveal()))
        {
            RefreshTokenExpiresAt = tokens.RefreshTokenExpiresAt,
        };

    [JsonIgnore]
    public Secret Access => new(AccessToken);

    [JsonIgnore]
    public Secret? Refresh => RefreshToken is { } token ? new Secret(token) : null;

    public override string ToString() => "[secret]";

    public byte[] Seal(KeyRing ring, byte[] aad)
    {
        var plaintext = JsonSerializer.SerializeToUtf8Bytes(this, TokensetsJson.Default.ReceivedTokens);
        try
        {
            return ring.Seal(plaintext, aad);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(plaintext);
        }
    }

    /// <exception cref="BrokenSealException">It is not what was sealed there.</exception>
    public static ReceivedTokens Open(KeyRing ring, byte[] blob, byte[] aad) =>
        JsonSerializer.Deserialize(ring.Open(blob, aad), TokensetsJson.Default.ReceivedTokens)!;
}
