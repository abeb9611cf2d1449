namespace TokenVault.Client;

/// <summary>
/// A connecting that has begun. Send the user's browser to <see cref="Link"/>, and keep the rest for that browser's session, where nobody else
/// can read it: it is needed to complete.
/// </summary>
/// <param name="Connection">The connection's name.</param>
/// <param name="Link">Where the browser goes, once.</param>
/// <param name="State">Must come back with the browser, unchanged; the caller compares.</param>
/// <param name="RedirectUri">Where the browser comes back to.</param>
/// <param name="AuthSession">Secret: names the connecting.</param>
/// <param name="CodeVerifier">Secret: the PKCE verifier (RFC 7636).</param>
/// <param name="ExpiresAt">When the link stops working, by this machine's clock.</param>
public sealed record PendingConnect(
    string Connection, Uri Link, string State, string RedirectUri, string AuthSession, string CodeVerifier, DateTimeOffset ExpiresAt)
{
    /// <summary>The connection, and no secret.</summary>
    public override string ToString() => $"[connecting {Connection}]";
}
