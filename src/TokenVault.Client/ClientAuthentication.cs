using System.Security.Cryptography.X509Certificates;

namespace TokenVault.Client;

/// <summary>How the client proves to the server who it is. Never shows what it holds.</summary>
public sealed class ClientAuthentication
{
    private ClientAuthentication(string method) => Method = method;

    /// <summary>A public client: it proves nothing, and may connect accounts but not exchange.</summary>
    public static ClientAuthentication None { get; } = new("none");

    internal string Method { get; }

    internal string? SecretValue { get; private init; }

    internal SigningKey? Key { get; private init; }

    internal X509Certificate2? ClientCertificate { get; private init; }

    /// <summary>A secret in the request's body (<c>client_secret_post</c>, RFC 6749 §2.3.1).</summary>
    /// <param name="secret">The client's secret.</param>
    public static ClientAuthentication Secret(string secret) => new("client_secret_post") { SecretValue = Given(secret) };

    /// <summary>A secret in the <c>Authorization</c> header (<c>client_secret_basic</c>, RFC 6749 §2.3.1).</summary>
    /// <param name="secret">The client's secret.</param>
    public static ClientAuthentication SecretBasic(string secret) => new("client_secret_basic") { SecretValue = Given(secret) };

    /// <summary>A signed assertion, new for each request and valid for 60 seconds (<c>private_key_jwt</c>, RFC 7523).</summary>
    /// <param name="key">The private key whose public half is registered with the client.</param>
    public static ClientAuthentication PrivateKey(SigningKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return new("private_key_jwt") { Key = key };
    }

    /// <summary>A TLS certificate (RFC 8705), shown at the server's alias for such clients.</summary>
    /// <param name="certificate">The certificate with its private key.</param>
    public static ClientAuthentication Certificate(X509Certificate2 certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        return certificate.HasPrivateKey
            ? new("tls_client_auth") { ClientCertificate = certificate }
            : throw new ArgumentException("The certificate has no private key.", nameof(certificate));
    }

    /// <summary>The method's name, and no secret.</summary>
    public override string ToString() => Method;

    private static string Given(string secret)
    {
        ArgumentException.ThrowIfNullOrEmpty(secret);
        return secret;
    }
}
