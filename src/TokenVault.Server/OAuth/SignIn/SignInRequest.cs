using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using TokenVault.Server.Accounts;
using TokenVault.Server.Connections;
using TokenVault.Server.Storage;

namespace TokenVault.Server.OAuth.SignIn;

/// <summary>
/// A browser that is at a provider to sign in, or to link an identity to the user who is signed in: it comes back once, with this state,
/// to this connection's path. The verifier and the nonce are not stored; they follow from the state (see <see cref="SignInProof"/>).
/// </summary>
internal sealed record SignInRequest : IRecord<SignInRequest>
{
    /// <summary>All that would link an identity to a user: unlinking one ends it (T-CF-08).</summary>
    public const string LinkIndexName = "pending-link";

    public static string Kind => "sign-in-request";

    public static JsonTypeInfo<SignInRequest> TypeInfo => OAuthJson.Default.SignInRequest;

    /// <summary>Hash of the state sent to the provider.</summary>
    public required string Id { get; init; }

    public required string ClientId { get; init; }

    public required string ConnectionId { get; init; }

    /// <summary>The authorization request that goes on afterwards, as it came.</summary>
    public required string Query { get; init; }

    /// <summary>When that began.</summary>
    public DateTimeOffset Since { get; init; }

    /// <summary>The user to whom the identity is to be linked; null to sign in with it.</summary>
    public string? LinkTo { get; init; }

    /// <summary>What the provider was asked for.</summary>
    public IReadOnlyList<string> Scopes { get; set; } = [];

    /// <summary>Hash of the cookie that binds the browser.</summary>
    public required string BrowserHash { get; init; }

    /// <summary>
    /// The provider's answer is being worked on, and no other is taken.
    /// </summary>
    public bool Answered { get; init; }

    public DateTimeOffset Deadline { get; init; }

    [JsonIgnore]
    public long Version { get; init; }

    DateTimeOffset? IRecord<SignInRequest>.ExpiresAt => Deadline;

    IEnumerable<EntityKey> IRecord<SignInRequest>.Keys
    {
        get
        {
            yield return EntityKey.Index("client", ClientId);
            yield return EntityKey.Index("connection", ConnectionId);
            if (LinkTo is not null)
            {
                yield return EntityKey.Index("user", LinkTo);
                yield return EntityKey.Index(LinkIndexName, LinkTo);
                yield return ConnectRequest.PendingIndex(LinkTo, ConnectionId);
            }
        }
    }

    /// <summary>
    /// Whether the row stays until what it was for is done: whatever withdraws a linking withdraws its request (T-CF-08), and where tokens
    /// are about to become the vault's, the connection is not pointed elsewhere (T-MG-01).
    /// </summary>
    public bool Stays(Connection connection) => LinkTo is not null || connection.ConnectedAccountsActive;

    public SignInRequest AtVersion(long version) => this with { Version = version };
}
