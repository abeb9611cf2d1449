namespace TokenVault.Server.Keys.Jose;

/// <summary>What a JWT must say for one purpose. Strings compare byte by byte: no case folding, no forgiving of slashes (T-ST-06).</summary>
internal sealed record JwtExpectations
{
    public required string Issuer { get; init; }

    /// <summary>The claim whose value stands for <c>{claim}</c> in <see cref="Issuer"/>: one key set and client for many issuers (Microsoft's <c>tid</c>).</summary>
    public string? IssuerClaim { get; init; }

    /// <summary>Must be the <c>aud</c>, or among them; null only where the token itself says whom it is for (a logout hint).</summary>
    public required string? Audience { get; init; }

    /// <summary>What else of ours the <c>aud</c> may name instead.</summary>
    public IReadOnlyList<string> OtherAudiences { get; init; } = [];

    /// <summary>The <c>typ</c> values allowed, after <c>application/</c> was stripped; "" allows none at all (RFC 8725 §3.11).</summary>
    public required IReadOnlyList<string> Types { get; init; }

    /// <summary>How far the clocks may be apart.</summary>
    public TimeSpan Skew { get; init; } = TimeSpan.FromSeconds(60);

    public bool RequireExpiry { get; init; } = true;

    /// <summary>A hint stays a hint after its expiry (OpenID Connect Core §3.1.2.1).</summary>
    public bool AllowExpired { get; init; }

    /// <summary>How far ahead of now, and of <c>iat</c>, the expiry may lie.</summary>
    public TimeSpan? MaxLifetime { get; init; }

    /// <summary>How old the token may be by its <c>iat</c>, which must then be there, whatever its expiry.</summary>
    public TimeSpan? MaxAge { get; init; }

    /// <summary>The audience must be one string, not a list: a token for us and for others could be used by those others.</summary>
    public bool SingleAudience { get; init; }
}
