namespace TokenVault.Client;

/// <summary>An account that the user has connected.</summary>
/// <param name="Id">Its id, <c>cac_…</c>.</param>
/// <param name="Connection">The connection's name.</param>
/// <param name="Scopes">What the user granted.</param>
/// <param name="CreatedAt">Since when.</param>
/// <param name="ExpiresAt">Until when; null: no end is known.</param>
public sealed record ConnectedAccount(string Id, string Connection, IReadOnlyList<string> Scopes, DateTimeOffset CreatedAt, DateTimeOffset? ExpiresAt);
