namespace TokenVault.Server.Users.Factors;

/// <summary>A passkey (WebAuthn credential) of a user's. Nothing of it is secret: the private key is in the authenticator.</summary>
internal sealed record Passkey
{
    /// <summary><c>passkey|dev_…</c></summary>
    public required string Id { get; init; }

    /// <summary>Base64url, as the authenticator chose it.</summary>
    public required string CredentialId { get; init; }

    /// <summary>COSE key, base64url.</summary>
    public required string PublicKey { get; init; }

    /// <summary>What the authenticator counted up to: a lower number tells of a copy.</summary>
    public uint SignCount { get; init; }

    public IReadOnlyList<string> Transports { get; set; } = [];

    public bool UserVerified { get; init; }

    /// <summary>It can be copied to the user's other devices.</summary>
    public bool BackupEligible { get; init; }

    public bool BackedUp { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>No challenge from before then is accepted: each is good once.</summary>
    public DateTimeOffset? LastUsedAt { get; init; }
}
