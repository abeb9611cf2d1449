using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using TokenVault.Server.Keys;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Accounts;

/// <summary>
/// A user on the way to connect an account: created by the application, started in the browser by its ticket, pending after the
/// provider's callback, and completed by the same user, client and session that created it (T-CF-02). Each stage happens once.
/// Of the secrets involved only hashes are kept; what the provider gives meanwhile is a <see cref="HeldGrant"/>.
/// </summary>
internal sealed record ConnectRequest : ISealed<ConnectRequest>
{
    public static string Kind => "connect-request";

    public static JsonTypeInfo<ConnectRequest> TypeInfo => AccountsJson.Default.ConnectRequest;

    public static IReadOnlyList<SealedField<ConnectRequest>> SealedFields { get; } =
        [new(nameof(SealedProof), request => request.SealedProof, ConnectSealer.ProofAad)];

    /// <summary>Hash of the <c>auth_session</c>.</summary>
    public required string Id { get; init; }

    public required string UserId { get; init; }

    public required string ClientId { get; init; }

    public required string ConnectionId { get; init; }

    public required string RedirectUri { get; init; }

    /// <summary>The application's own state, given back to it.</summary>
    public string? State { get; init; }

    /// <summary>S256.</summary>
    public string? CodeChallenge { get; init; }

    public IReadOnlyList<string> Scopes { get; set; } = [];

    /// <summary>The parameters of this request that the provider may see.</summary>
    public IReadOnlyDictionary<string, string> Parameters { get; set; } = new Dictionary<string, string>();

    public ConnectStage Stage { get; init; }

    public required string TicketHash { get; init; }

    /// <summary>Hash of the state sent to the provider.</summary>
    public string? ProviderStateHash { get; init; }

    /// <summary>The session in which the browser went to the provider, if there was one.</summary>
    public string? SessionId { get; init; }

    /// <summary>Hash of the cookie that binds the browser which used the ticket.</summary>
    public string? BrowserHash { get; init; }

    /// <summary>Our PKCE verifier and nonce towards the provider, sealed.</summary>
    public byte[]? SealedProof { get; init; }

    public string? ConnectCodeHash { get; init; }

    /// <summary>This stage has to be left before then.</summary>
    public DateTimeOffset Deadline { get; init; }

    [JsonIgnore]
    public long Version { get; init; }

    DateTimeOffset? IRecord<ConnectRequest>.ExpiresAt => Deadline;

    IEnumerable<EntityKey> IRecord<ConnectRequest>.Keys
    {
        get
        {
            yield return EntityKey.UniqueKey("ticket", TicketHash);
            yield return EntityKey.Index("user", UserId);
            yield return EntityKey.Index("client", ClientId);
            yield return EntityKey.Index("connection", ConnectionId);
            yield return PendingIndex(UserId, ConnectionId);
            if (SessionId is not null)
            {
                // It ends with the session: whoever has the browser after a sign-out does not finish what the user began (T-CF-09).
                yield return EntityKey.Index("session", SessionId);
            }

            if (ProviderStateHash is not null)
            {
                yield return EntityKey.UniqueKey("provider-state", ProviderStateHash);
            }
        }
    }

    /// <summary>All that a user has under way at a connection: disconnecting ends it too (T-CF-08).</summary>
    public static EntityKey PendingIndex(string userId, string connectionId) => EntityKey.Index("pending-connect", $"{connectionId} {userId}");

    public ConnectRequest AtVersion(long version) => this with { Version = version };
}

[JsonConverter(typeof(JsonStringEnumConverter<ConnectStage>))]
internal enum ConnectStage
{
    /// <summary>The ticket waits for a browser.</summary>
    Created,

    /// <summary>The browser is at the provider.</summary>
    Started,

    /// <summary>The callback is being worked on: the provider's code is used once, whatever comes of it.</summary>
    Redeeming,

    /// <summary>The tokens are here, pending, until the application completes.</summary>
    Pending,
}

/// <summary>The stored form of this slice's nouns.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ConnectedAccount))]
[JsonSerializable(typeof(ConnectRequest))]
[JsonSerializable(typeof(ConnectProof))]
[JsonSerializable(typeof(PendingGrant))]
[JsonSerializable(typeof(HeldGrant))]
internal sealed partial class AccountsJson : JsonSerializerContext;
