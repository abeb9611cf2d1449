namespace TokenVault.Server.Demo;

/// <summary>What one person allowed the client, and every token that came of it.</summary>
internal sealed class SandboxGrant(string id, SandboxPerson person, IReadOnlyList<string> scopes, string? nonce)
{
    public string Id { get; } = id;

    public SandboxPerson Person { get; } = person;

    public IReadOnlyList<string> Scopes { get; } = scopes;

    public string? Nonce { get; } = nonce;

    public bool Revoked { get; set; }

    /// <summary>How many times tokens were issued: 1 after the code.</summary>
    public int Generation { get; set; }

    public string? RefreshToken { get; set; }

    /// <summary>The refresh token that <see cref="RefreshToken"/> took the place of.</summary>
    public string? FormerRefreshToken { get; set; }

    /// <summary>The access token issued last.</summary>
    public string? AccessToken { get; set; }
}

/// <summary>An authorization request that was approved (RFC 6749 §4.1.2).</summary>
internal sealed record SandboxCode(
    SandboxPerson Person, string RedirectUri, IReadOnlyList<string> Scopes, string? Challenge, string? Nonce, DateTimeOffset ExpiresAt);

/// <summary>What the token endpoint issued.</summary>
/// <param name="RefreshToken">Null when the client's one stays.</param>
/// <param name="Scopes">Of the access token.</param>
internal sealed record SandboxTokens(SandboxGrant Grant, string AccessToken, string? RefreshToken, TimeSpan Lifetime, IReadOnlyList<string> Scopes);

/// <summary>One issue of tokens, in the order in which the sandbox decided them.</summary>
internal sealed record SandboxCommit(string GrantId, string Subject, int Generation, string? RefreshToken, string AccessToken, DateTimeOffset At)
{
    /// <summary>Of the access token.</summary>
    public IReadOnlyList<string> Scopes { get; init; } = [];
}
