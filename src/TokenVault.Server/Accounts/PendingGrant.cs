using System.Security.Cryptography;
using System.Text.Json;
using TokenVault.Server.Connections;
using TokenVault.Server.Keys;

namespace TokenVault.Server.Accounts;

/// <summary>What we have to prove to the provider when its callback comes; sealed while stored.</summary>
internal sealed record ConnectProof(string CodeVerifier, string Nonce)
{
    public override string ToString() => "[secret]";
}

/// <summary>What the provider gave, until the user completes; sealed while stored.</summary>
internal sealed record PendingGrant(string AccessToken, string? RefreshToken, IReadOnlyList<string>? Scopes, DateTimeOffset? ExpiresAt)
{
    public string? Issuer { get; init; }

    public string? Subject { get; init; }

    public string? Email { get; init; }

    public DateTimeOffset ReceivedAt { get; init; }

    public override string ToString() => "[secret]";

    public static PendingGrant From(ProviderGrant grant, DateTimeOffset receivedAt) =>
        new(grant.Tokens.AccessToken.Reveal(), grant.Tokens.RefreshToken?.Reveal(), grant.Tokens.Scopes, grant.Tokens.ExpiresAt)
        {
            Issuer = grant.Identity?.Issuer,
            Subject = grant.Identity?.Subject,
            Email = grant.Identity?.Email,
            ReceivedAt = receivedAt,
        };
}

/// <summary>Seals what a connect request holds to that request.</summary>
internal sealed class ConnectSealer(KeyRing ring)
{
    public byte[] Seal(ConnectRequest request, ConnectProof proof) =>
        Seal("connect-proof", request, JsonSerializer.SerializeToUtf8Bytes(proof, AccountsJson.Default.ConnectProof));

    public byte[] Seal(ConnectRequest request, PendingGrant grant) =>
        Seal("connect-grant", request, JsonSerializer.SerializeToUtf8Bytes(grant, AccountsJson.Default.PendingGrant));

    /// <exception cref="BrokenSealException">The row was altered.</exception>
    public ConnectProof OpenProof(ConnectRequest request) =>
        JsonSerializer.Deserialize(ring.Open(request.SealedProof, AadOf("connect-proof", request)), AccountsJson.Default.ConnectProof)!;

    /// <exception cref="BrokenSealException">The row was altered.</exception>
    public PendingGrant OpenGrant(ConnectRequest request) =>
        JsonSerializer.Deserialize(ring.Open(request.SealedGrant, AadOf("connect-grant", request)), AccountsJson.Default.PendingGrant)!;

    private byte[] Seal(string purpose, ConnectRequest request, byte[] plaintext)
    {
        try
        {
            return ring.Seal(plaintext, AadOf(purpose, request));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(plaintext);
        }
    }

    private static byte[] AadOf(string purpose, ConnectRequest request) =>
        Aad.For(purpose, request.Id, request.UserId, request.ClientId, request.ConnectionId);
}
