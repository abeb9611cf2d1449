namespace TokenVault.Server.Connections;

/// <summary>What a browser is sent to the provider with.</summary>
/// <param name="Scopes">Asked for; what the provider requires always is added.</param>
/// <param name="Parameters">What the application added to this request (<c>authorization_params</c>).</param>
internal sealed record AuthorizeUpstream(
    string RedirectUri,
    string State,
    string Nonce,
    string CodeVerifier,
    IReadOnlyList<string> Scopes,
    IReadOnlyDictionary<string, string> Parameters)
{
    /// <summary>Nothing is to be kept of what the provider gives: then there is no use in a refresh token.</summary>
    public bool SignInOnly { get; init; }
}

/// <summary>What the browser came back with, beside what was kept since it left.</summary>
/// <param name="Iss">The authorization response's <c>iss</c> (RFC 9207), if it had one.</param>
internal sealed record RedeemUpstream(
    string RedirectUri,
    string Code,
    string Nonce,
    string CodeVerifier,
    string? Iss,
    IReadOnlyList<string> RequestedScopes)
{
    /// <summary>A further parameter of the callback; QuickBooks names the company there and nowhere else.</summary>
    public Func<string, string?> CallbackParameter { get; init; } = _ => null;

    /// <summary>Whether a profile is worth another call.</summary>
    public bool WantsProfile { get; init; }
}
