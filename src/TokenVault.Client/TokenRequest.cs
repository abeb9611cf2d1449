namespace TokenVault.Client;

/// <summary>Which provider token is wanted: <c>new TokenRequest("google-oauth2", "https://www.googleapis.com/auth/calendar.readonly")</c>.</summary>
public sealed class TokenRequest
{
    /// <summary>A token of this connection that is good for these scopes.</summary>
    /// <param name="connection">The connection's name at the server.</param>
    /// <param name="scopes">
    /// The scopes that the account must have been granted, as the provider calls them. None: whatever was granted. The token may be good for more.
    /// </param>
    /// <exception cref="ArgumentException">The name is empty, or a scope is empty or has a space.</exception>
    public TokenRequest(string connection, params IEnumerable<string> scopes)
    {
        ArgumentException.ThrowIfNullOrEmpty(connection);
        ArgumentNullException.ThrowIfNull(scopes);
        Connection = connection;
        Scopes = [.. scopes.Distinct(StringComparer.Ordinal)];
        if (Scopes.Any(scope => scope.Length == 0 || scope.Contains(' ', StringComparison.Ordinal)))
        {
            throw new ArgumentException("A scope is a word.", nameof(scopes));
        }
    }

    /// <summary>The connection's name.</summary>
    public string Connection { get; }

    /// <summary>What the token must be good for.</summary>
    public IReadOnlyList<string> Scopes { get; }

    /// <summary>Which of the user's accounts: their id at the provider. Null: the one connected last.</summary>
    public string? LoginHint { get; init; }

    /// <summary>The connection and the scopes.</summary>
    public override string ToString() => Scopes.Count == 0 ? Connection : $"{Connection} ({string.Join(' ', Scopes)})";
}
