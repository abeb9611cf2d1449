namespace TokenVault.Server.Connections;

/// <summary>Whether users are asked before a token of theirs leaves the vault.</summary>
internal sealed record ConnectionApproval
{
    /// <summary>Seconds, as CIBA's default.</summary>
    public const int DefaultExpiry = 300;

    /// <summary>Before each token, for one exchange.</summary>
    public static ConnectionApproval Always { get; } = new() { Required = true };

    /// <summary>Before each token of the connection.</summary>
    public bool Required { get; init; }

    /// <summary>Before a token that is good for one of these.</summary>
    public IReadOnlyList<string> Scopes { get; set; } = [];

    /// <summary>How many seconds an approval is good for; 0: for one exchange.</summary>
    public int ValidFor { get; init; }

    /// <summary>How many seconds the user has for an answer.</summary>
    public int ExpiresIn { get; set; } = DefaultExpiry;

    /// <param name="issued">What the token that is to leave is good for.</param>
    public bool Covers(IEnumerable<string> issued) => Required || (Scopes.Count > 0 && issued.Any(scope => Scopes.Contains(scope, StringComparer.Ordinal)));
}
