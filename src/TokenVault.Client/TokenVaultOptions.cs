using System.Security.Cryptography.X509Certificates;

namespace TokenVault.Client;

/// <summary>Which server to ask, as which client, and how. Validated when the application starts.</summary>
public sealed class TokenVaultOptions
{
    /// <summary>
    /// The server's issuer, as its discovery document says it, byte for byte: <c>https://vault.example/</c>, or for Auth0
    /// <c>https://{domain}/</c>. HTTPS, with the closing slash. Required.
    /// </summary>
    public string Issuer { get; set; } = "";

    /// <summary>The client's id. Required.</summary>
    public string ClientId { get; set; } = "";

    /// <summary>
    /// The client's secret, sent in the request's body: short for <see cref="Authentication"/> =
    /// <see cref="ClientAuthentication.Secret(string)"/>. Set one of the two.
    /// </summary>
    public string? ClientSecret { get; set; }

    /// <summary>How the client proves who it is.</summary>
    public ClientAuthentication? Authentication { get; set; }

    /// <summary>The key that signs for users who are not present (<see cref="SubjectToken.ForWorker"/>). Null: the client is no privileged worker.</summary>
    public SigningKey? WorkerKey { get; set; }

    /// <summary>The key that the client's own tokens are bound to (DPoP, RFC 9449). Null: they are bearer tokens.</summary>
    public SigningKey? DpopKey { get; set; }

    /// <summary>How long one request to the server may take, the server's own request to the provider included. Default: 30 seconds.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>A cached token is not given out any more this long before it ends. Default: 60 seconds.</summary>
    public TimeSpan ExpiryMargin { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// The longest that a token is cached, however long it lasts: for so long a disconnected account may go unnoticed. Zero: nothing is
    /// cached. Default: 5 minutes.
    /// </summary>
    public TimeSpan MaxCacheAge { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>How many tokens are cached at most. Default: 10,000.</summary>
    public int MaxCachedTokens { get; set; } = 10_000;

    /// <summary>A certificate authority to trust beside the system's, such as a development server's <c>tls/ca.pem</c>. Null: the system's only.</summary>
    public X509Certificate2? TrustedAuthority { get; set; }

    internal ClientAuthentication EffectiveAuthentication =>
        Authentication ?? (ClientSecret is null ? ClientAuthentication.None : ClientAuthentication.Secret(ClientSecret));
}
