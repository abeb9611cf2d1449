using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Approvals;

/// <summary>
/// What a client asks a user to approve, and what became of it: one row, changed by compare-and-swap only, so that of all nodes one decides
/// and one redeems. What was asked never changes: what was approved is what is issued.
/// </summary>
internal sealed record Approval : IRecord<Approval>
{
    /// <summary>Seconds between two questions of one client after the same answer (CIBA Core §7.3).</summary>
    public const int DefaultInterval = 5;

    /// <summary>How long a client that comes too late is told so, and not that there never was a request.</summary>
    private static readonly TimeSpan Memory = TimeSpan.FromHours(1);

    public static string Kind => "approval";

    public static JsonTypeInfo<Approval> TypeInfo => ApprovalsJson.Default.Approval;

    /// <summary>In the links that users get. It opens nothing: whoever follows one has to sign in as the user.</summary>
    public required string Id { get; init; }

    public required string ClientId { get; init; }

    public required string UserId { get; init; }

    /// <summary>Hash of the <c>auth_req_id</c>; null where it is an exchange that waits.</summary>
    public string? RequestHash { get; init; }

    /// <summary>By which the exchange that waits is known when it comes back; null where a client asked by itself.</summary>
    public string? ExchangeHash { get; init; }

    public string? Audience { get; init; }

    /// <summary>Ours, or the provider's where it is an exchange that waits.</summary>
    public IReadOnlyList<string> Scopes { get; set; } = [];

    /// <summary>As JSON (RFC 9396).</summary>
    public string? AuthorizationDetails { get; init; }

    /// <summary>What the client wants the user to read.</summary>
    public string? BindingMessage { get; init; }

    /// <summary>With an exchange: the connection's id, and its name.</summary>
    public string? ConnectionId { get; init; }

    public string? Connection { get; init; }

    /// <summary>Whose account it is at the provider, in words for the user.</summary>
    public string? AccountName { get; init; }

    /// <summary>The provider's long-lived refresh token is asked for.</summary>
    public bool ForRefreshToken { get; init; }

    /// <summary>With an exchange: for how many seconds the approval is good; 0: for one exchange.</summary>
    public int ValidFor { get; init; }

    /// <summary>The client asks for a second factor.</summary>
    public bool NeedsMultiFactor { get; init; }

    public DateTimeOffset RequestedAt { get; init; }

    /// <summary>Until when the user may answer, and the client of a <see cref="RequestHash"/> redeem.</summary>
    public DateTimeOffset Deadline { get; init; }

    public ApprovalState State { get; init; }

    public DateTimeOffset? DecidedAt { get; init; }

    /// <summary>Of the session that approved.</summary>
    public DateTimeOffset AuthenticatedAt { get; init; }

    /// <summary>How its user had signed in.</summary>
    public IReadOnlyList<string> Methods { get; set; } = [];

    /// <summary>Until when an approval of an exchange is good.</summary>
    public DateTimeOffset? ValidUntil { get; init; }

    /// <summary>Seconds between two questions; grows with each that comes too early.</summary>
    public int Interval { get; set; } = DefaultInterval;

    public DateTimeOffset? PolledAt { get; init; }

    [JsonIgnore]
    public bool IsExchange => ExchangeHash is not null;

    [JsonIgnore]
    public long Version { get; init; }

    DateTimeOffset? IRecord<Approval>.ExpiresAt => IsExchange ? ValidUntil ?? Deadline : Deadline + Memory;

    IEnumerable<EntityKey> IRecord<Approval>.Keys
    {
        get
        {
            yield return EntityKey.Index("user", UserId);
            yield return EntityKey.Index("client", ClientId);
            if (ConnectionId is not null)
            {
                yield return EntityKey.Index(Connections.Connection.OwnerIndex, ConnectionId);
            }

            if (RequestHash is not null)
            {
                yield return EntityKey.UniqueKey("request", RequestHash);
            }

            // A used one makes room for the next; a denied one stands until its end, so that no agent asks again and again.
            if (ExchangeHash is not null && State != ApprovalState.Consumed)
            {
                yield return EntityKey.UniqueKey("exchange", ExchangeHash);
            }

            if (State == ApprovalState.Pending)
            {
                yield return PendingOf(UserId);
            }
        }
    }

    public static EntityKey PendingOf(string userId) => EntityKey.Index("approval-pending", userId);

    public static string NewId() => "apr_" + Identifier.Secret();

    public Approval AtVersion(long version) => this with { Version = version };

    public bool IsPending(DateTimeOffset now) => State == ApprovalState.Pending && Deadline > now;

    public string Url(string issuer) => $"{issuer}approvals/{Id}";
}

[JsonConverter(typeof(JsonStringEnumConverter<ApprovalState>))]
internal enum ApprovalState
{
    /// <summary>The user has not answered; after the deadline: and will not any more.</summary>
    Pending,

    Approved,

    Denied,

    /// <summary>What was approved has been issued.</summary>
    Consumed,
}

/// <summary>The stored form of this slice's nouns.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Approval))]
[JsonSerializable(typeof(ApprovalNotice))]
internal sealed partial class ApprovalsJson : JsonSerializerContext;
