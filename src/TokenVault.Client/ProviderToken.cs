namespace TokenVault.Client;

/// <summary>A provider's access token for one user. Show it to the provider's API only: not to a browser, a log or a model.</summary>
public sealed class ProviderToken
{
    internal ProviderToken(string connection, string accessToken, DateTimeOffset expiresAt, IReadOnlyList<string> scopes)
    {
        Connection = connection;
        AccessToken = accessToken;
        ExpiresAt = expiresAt;
        Scopes = scopes;
    }

    /// <summary>The connection that it is of.</summary>
    public string Connection { get; }

    /// <summary>The token itself, for <c>Authorization: Bearer</c>.</summary>
    public string AccessToken { get; }

    /// <summary>When it ends, by this machine's clock.</summary>
    public DateTimeOffset ExpiresAt { get; }

    /// <summary>Everything that it is good for. Empty when the server does not say.</summary>
    public IReadOnlyList<string> Scopes { get; }

    /// <summary>What the provider gave beside it and its API is called with, such as <c>instance_url</c>.</summary>
    public IReadOnlyDictionary<string, string> Further { get; internal init; } = new Dictionary<string, string>();

    /// <summary>The user has approved it: it is for whoever asked, and not for others or later.</summary>
    internal bool IsApproved { get; init; }

    /// <summary>The connection, and no token.</summary>
    public override string ToString() => $"[token of {Connection}]";
}
