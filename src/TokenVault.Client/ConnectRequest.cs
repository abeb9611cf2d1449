namespace TokenVault.Client;

/// <summary>What a user is to connect, and where their browser comes back to.</summary>
public sealed class ConnectRequest
{
    /// <summary>An account at this connection.</summary>
    /// <param name="connection">The connection's name.</param>
    /// <param name="redirectUri">One of the client's callbacks, character by character.</param>
    public ConnectRequest(string connection, string redirectUri)
    {
        ArgumentException.ThrowIfNullOrEmpty(connection);
        ArgumentException.ThrowIfNullOrEmpty(redirectUri);
        Connection = connection;
        RedirectUri = redirectUri;
    }

    /// <summary>The connection's name.</summary>
    public string Connection { get; }

    /// <summary>Where the browser comes back to, with <c>connect_code</c> and <c>state</c>, or <c>error</c> and <c>state</c>.</summary>
    public string RedirectUri { get; }

    /// <summary>The scopes to ask the provider for, in place of the connection's. Empty: the connection's.</summary>
    public IReadOnlyList<string> Scopes { get; init; } = [];

    /// <summary>For the provider's authorization request: <c>prompt</c>, <c>login_hint</c> and the like.</summary>
    public IReadOnlyDictionary<string, string> AuthorizationParams { get; init; } = new Dictionary<string, string>();
}
