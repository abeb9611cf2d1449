using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace TokenVault.Client;

/// <summary>For whom a provider's token is asked: the user's own token of the server, or a worker's word. Never shows the token.</summary>
public sealed class SubjectToken
{
    private SubjectToken(SubjectTokenKind kind, string value, string? auditContext = null)
    {
        Kind = kind;
        Value = value;
        AuditContext = auditContext;

        // By the whole token, not by who it claims to be for: nobody has verified its claims here (T-CL-06).
        // A worker's other reason is another request: the server logs, and its user may have approved, the one.
        CacheKey = kind + ":" + Base64Url.EncodeToString(SHA256.HashData(Encoding.UTF8.GetBytes($"{value}\n{auditContext}")));
    }

    internal SubjectTokenKind Kind { get; }

    /// <summary>The token; a worker's user.</summary>
    internal string Value { get; }

    internal string CacheKey { get; }

    internal string? AuditContext { get; }

    internal string? Proof { get; private init; }

    internal Func<string, CancellationToken, Task>? Rotated { get; private init; }

    /// <summary>The user's refresh token, issued to this client. It does for exchanges, and for connecting and listing accounts.</summary>
    /// <param name="token">As the server issued it.</param>
    /// <param name="rotated">
    /// Keeps the refresh token that replaces this one, where the client's refresh tokens rotate: connecting and listing use this one up. Null
    /// where they do not rotate, which an exchange of refresh tokens demands anyway.
    /// </param>
    public static SubjectToken RefreshToken(string token, Func<string, CancellationToken, Task>? rotated = null) =>
        new(SubjectTokenKind.RefreshToken, Given(token)) { Rotated = rotated };

    /// <summary>
    /// The access token that this API was called with; the client is that of the API. To connect and list accounts, an access token for
    /// <c>{issuer}me/</c>.
    /// </summary>
    /// <param name="token">As it was in the call's <c>Authorization</c> header. The caller has verified it.</param>
    /// <param name="proof">The call's <c>DPoP</c> header, where the token is bound to its caller's key.</param>
    public static SubjectToken AccessToken(string token, string? proof = null) => new(SubjectTokenKind.AccessToken, Given(token)) { Proof = proof };

    /// <summary>A user who is not present: the client signs for them with <see cref="TokenVaultOptions.WorkerKey"/>.</summary>
    /// <param name="userId">The user's id at the server, such as <c>auth0|…</c>.</param>
    /// <param name="auditContext">Why, in 1 to 256 characters; goes into the server's log. No personal data.</param>
    /// <exception cref="ArgumentException">The reason is missing or too long.</exception>
    public static SubjectToken ForWorker(string userId, string auditContext)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(auditContext);
        return auditContext.Length <= 256
            ? new(SubjectTokenKind.Worker, Given(userId), auditContext)
            : throw new ArgumentException("The reason is longer than 256 characters.", nameof(auditContext));
    }

    /// <summary>The kind, and no token.</summary>
    public override string ToString() => $"[{Kind}]";

    private static string Given(string value)
    {
        ArgumentException.ThrowIfNullOrEmpty(value);
        return value;
    }
}
