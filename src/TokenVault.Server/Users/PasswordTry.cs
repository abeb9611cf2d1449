namespace TokenVault.Server.Users;

/// <summary>What came of holding a password against a hash.</summary>
internal sealed record PasswordTry(bool Matches)
{
    /// <summary>The same password's hash to be stored from now on: the stored one has fewer iterations than the operator wants.</summary>
    public string? StrongerHash { get; init; }
}
