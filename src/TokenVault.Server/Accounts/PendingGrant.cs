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

    public IReadOnlyDictionary<string, string>? Kept { get; init; }

    public DateTimeOffset ReceivedAt { get; init; }

    public DateTimeOffset? RefreshTokenExpiresAt { get; init; }

    /// <summary>As the provider says; a provider that says nothing granted what was asked for (RFC 6749 §5.1).</summary>
    public IReadOnlyList<string> Granted(IReadOnlyList<string> requested) => Scopes ?? requested;

    public override string ToString() => "[secret]";

    public static PendingGrant From(ProviderGrant grant, DateTimeOffset receivedAt) =>
        new(grant.Tokens.AccessToken.Reveal(), grant.Tokens.RefreshToken?.Reveal(), grant.Tokens.Scopes, grant.Tokens.ExpiresAt)
        {
            Issuer = grant.Identity?.Issuer,
            Subject = grant.Identity?.Subject,
            Email = grant.Identity?.Email,
            Kept = grant.Tokens.Kept.Count == 0 ? null : grant.Tokens.Kept,
            ReceivedAt = receivedAt,
            RefreshTokenExpiresAt = grant.Tokens.RefreshTokenExpiresAt,
        };
}

/// <summary>For what a provider gave tokens.</summary>
/// <param name="Id">Of the connect request, or of the sign-in that came to nothing.</param>
/// <param name="UserId">Empty when nobody was signed in.</param>
internal sealed record GrantClaim(string Id, string UserId, string ClientId);

/// <summary>Seals what belongs to a connect request to that request.</summary>
internal sealed class ConnectSealer(KeyRing ring)
{
    public static byte[] ProofAad(ConnectRequest request) =>
        Aad.For("connect-proof", request.Id, request.UserId, request.ClientId, request.ConnectionId);

    public byte[] Seal(ConnectRequest request, ConnectProof proof) =>
        Seal(JsonSerializer.SerializeToUtf8Bytes(proof, AccountsJson.Default.ConnectProof), ProofAad(request));

    /// <param name="deadline">Until when it can be completed.</param>
    public HeldGrant Hold(ConnectRequest request, Connection connection, PendingGrant grant, DateTimeOffset deadline) =>
        Hold(new GrantClaim(request.Id, request.UserId, request.ClientId), connection, grant, deadline);

    /// <param name="deadline">Until when it can be completed.</param>
    public HeldGrant Hold(GrantClaim claim, Connection connection, PendingGrant grant, DateTimeOffset deadline)
    {
        var held = new HeldGrant
        {
            Id = claim.Id,
            UserId = claim.UserId,
            ClientId = claim.ClientId,
            Connection = connection.ForRevocation(),
            SealedGrant = [],
            Deadline = deadline,
        };
        return held with { SealedGrant = Seal(JsonSerializer.SerializeToUtf8Bytes(grant, AccountsJson.Default.PendingGrant), held.Identity()) };
    }

    /// <exception cref="BrokenSealException">The row was altered.</exception>
    public ConnectProof OpenProof(ConnectRequest request) =>
        JsonSerializer.Deserialize(ring.Open(request.SealedProof, ProofAad(request)), AccountsJson.Default.ConnectProof)!;

    /// <exception cref="BrokenSealException">The row was altered.</exception>
    public PendingGrant OpenGrant(HeldGrant held) =>
        JsonSerializer.Deserialize(ring.Open(held.SealedGrant, held.Identity()), AccountsJson.Default.PendingGrant)!;

    private byte[] Seal(byte[] plaintext, byte[] aad)
    {
        try
        {
            return ring.Seal(plaintext, aad);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(plaintext);
        }
    }
}
