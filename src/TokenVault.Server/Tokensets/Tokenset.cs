using System.Globalization;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using TokenVault.Server.Keys;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Tokensets;

/// <summary>
/// The provider's tokens of one connected account. The tokens themselves are sealed and bound to this row's identity
/// (see <see cref="TokensetSealer"/>); what is here in the clear is what the exchange decides by.
/// </summary>
internal sealed record Tokenset : ISealed<Tokenset>
{
    public static string Kind => "tokenset";

    public static JsonTypeInfo<Tokenset> TypeInfo => TokensetsJson.Default.Tokenset;

    public static IReadOnlyList<SealedField<Tokenset>> SealedFields { get; } =
        [new(nameof(SealedTokens), tokenset => tokenset.SealedTokens, TokensetSealer.AadOf)];

    public required string Id { get; init; }

    /// <summary>The connected account (<c>cac_…</c>) whose tokens these are.</summary>
    public required string AccountId { get; init; }

    [JsonConverter(typeof(SharedText))]
    public required string UserId { get; init; }

    [JsonConverter(typeof(SharedText))]
    public required string ConnectionId { get; init; }

    /// <summary>The connection's name, which cannot change.</summary>
    [JsonConverter(typeof(SharedText))]
    public required string Connection { get; init; }

    /// <summary>The provider's issuer; null when the provider cannot name the user.</summary>
    [JsonConverter(typeof(SharedText))]
    public string? Issuer { get; init; }

    /// <summary>The user's id at the provider.</summary>
    public string? UpstreamUserId { get; init; }

    public string? UpstreamEmail { get; init; }

    /// <summary>A new one with each consent of the user: what an older consent still brings in does not overwrite a newer one (T-RC-06).</summary>
    public required string GrantId { get; init; }

    /// <summary>Grows with each sealing; part of what the sealed tokens are bound to.</summary>
    public int Generation { get; init; }

    public required byte[] SealedTokens { get; init; }

    public bool HasRefreshToken { get; init; }

    /// <summary>What the provider granted.</summary>
    [JsonConverter(typeof(SharedTexts))]
    public IReadOnlyList<string> Scopes { get; set; } = [];

    /// <summary>
    /// All that was asked for so far, in the words that the provider takes: what it granted it may spell otherwise. Null in rows of
    /// earlier versions.
    /// </summary>
    [JsonConverter(typeof(SharedTexts))]
    public IReadOnlyList<string>? RequestedScopes { get; init; }

    public TokensetState State { get; init; }

    /// <summary>A refresh that was begun and whose outcome is not stored yet; null when there is none.</summary>
    public RefreshAttempt? Attempt { get; init; }

    public DateTimeOffset IssuedAt { get; init; }

    /// <summary>When the access token ends; null when it does not.</summary>
    public DateTimeOffset? AccessTokenExpiresAt { get; init; }

    /// <summary>When the refresh token ends; null when the provider does not say.</summary>
    public DateTimeOffset? RefreshTokenExpiresAt { get; init; }

    public DateTimeOffset ConnectedAt { get; init; }

    /// <summary>What the provider sent beside the tokens when the account was connected, and is handed out with them; null when nothing.</summary>
    public IReadOnlyDictionary<string, string>? Kept { get; init; }

    [JsonIgnore]
    public long Version { get; init; }

    /// <summary>The <see cref="AccountKey"/> of this row.</summary>
    [JsonIgnore]
    public string Identity => AccountKey(UserId, ConnectionId, Issuer, UpstreamUserId);

    /// <summary>When nothing but a new consent can make tokens of it any more; null when that is not known, or has come to pass.</summary>
    [JsonIgnore]
    public DateTimeOffset? EndsAt =>
        State != TokensetState.Active ? null : HasRefreshToken ? RefreshTokenExpiresAt : AccessTokenExpiresAt;

    /// <summary>When to tell of the end: three days before it, or when a fifth of the life is left where that is less.</summary>
    [JsonIgnore]
    public DateTimeOffset? WarningAt => EndsAt is not { } end ? null : end - (LongestWarning < (end - IssuedAt) / 5 ? LongestWarning : (end - IssuedAt) / 5);

    public static TimeSpan LongestWarning { get; } = TimeSpan.FromDays(3);

    /// <summary>All tokensets whose end is to be told of in that hour.</summary>
    public static EntityKey WarningIndex(DateTimeOffset hour) =>
        EntityKey.Index("expiry-warning", hour.UtcDateTime.ToString("yyyy-MM-ddTHH", CultureInfo.InvariantCulture));

    /// <summary>All tokensets with a refresh under way.</summary>
    public static EntityKey AttemptIndex { get; } = EntityKey.Index("refresh-attempt", "open");

    IEnumerable<EntityKey> IRecord<Tokenset>.Keys
    {
        get
        {
            yield return OwnerIndex(UserId, ConnectionId);
            yield return EntityKey.UniqueKey("account", Identity);
            yield return EntityKey.Index("user", UserId);
            yield return EntityKey.Index("connection", ConnectionId);
            yield return EntityKey.Index("account", AccountId);
            if (Issuer is not null && UpstreamUserId is not null)
            {
                yield return UpstreamIndex(ConnectionId, Issuer, UpstreamUserId);
            }

            if (Attempt is not null)
            {
                yield return AttemptIndex;
            }

            if (WarningAt is { } warning)
            {
                yield return WarningIndex(warning);
            }
        }
    }

    /// <summary>All accounts that a user connected through one connection.</summary>
    public static EntityKey OwnerIndex(string userId, string connectionId) => EntityKey.Index(EntityKey.Owner, $"{connectionId} {userId}");

    /// <summary>All users' tokensets of one provider account.</summary>
    public static EntityKey UpstreamIndex(string connectionId, string issuer, string upstreamUserId) =>
        EntityKey.Index("upstream", $"{connectionId}\n{issuer}\n{upstreamUserId}");

    /// <summary>One row per provider account of a user; where the provider names nobody, one per connection.</summary>
    public static string AccountKey(string userId, string connectionId, string? issuer, string? upstreamUserId) =>
        $"{connectionId}\n{userId}\n{issuer}\n{upstreamUserId}";

    public Tokenset AtVersion(long version) => this with { Version = version };

    /// <summary>
    /// Whether the access token lasts long enough to be worth handing out: a minute, and a fifth of its life up to five minutes;
    /// of a token that lives for less than two minutes, half its life, or it would be refreshed at every exchange.
    /// </summary>
    public bool IsFresh(DateTimeOffset now)
    {
        if (AccessTokenExpiresAt is not { } end)
        {
            return true;
        }

        var life = (end - IssuedAt).TotalSeconds;
        var margin = Math.Min(Math.Clamp(life / 5, 60, 300), life / 2);
        return (end - now).TotalSeconds > margin;
    }

    /// <summary>By the user's id or e-mail at the provider, or the connected account's id.</summary>
    public bool IsMeantBy(string hint) => IsNamed(hint) || string.Equals(hint, UpstreamEmail, StringComparison.OrdinalIgnoreCase);

    /// <summary>By its id: no other account's e-mail address, which its owner chooses, stands before that.</summary>
    public bool IsNamed(string hint) => hint == UpstreamUserId || hint == AccountId;

    public bool IsUsable(DateTimeOffset now) => AccessTokenExpiresAt is not { } end || end > now;
}

/// <summary>What is written before a refresh token goes out, so that whoever finds it knows what may have happened.</summary>
/// <param name="Generation">The tokenset's generation whose refresh token went out.</param>
/// <param name="At">When this attempt began.</param>
/// <param name="UnknownSince">When the first of the attempts with the same refresh token began whose outcome nobody knows.</param>
internal sealed record RefreshAttempt(string Id, int Generation, DateTimeOffset At, DateTimeOffset? UnknownSince)
{
    private static readonly TimeSpan LongestDoubt = TimeSpan.FromMinutes(10);

    /// <summary>
    /// From when the waits of the provider's rotation class count, for the newest attempt without an outcome: its beginning, when its own
    /// node ended it and nobody can still hold an answer; else the time its lease was found to have run out.
    /// </summary>
    public DateTimeOffset? LeftAt { get; init; }

    /// <summary>
    /// Since when the first of the attempts in doubt counts as ended. While the store is away nobody looks, and no answer can land: that time
    /// is none in which the doubt could have been cleared. Null in rows of before there was this.
    /// </summary>
    public DateTimeOffset? DoubtedSince { get; set; }

    /// <summary>This attempt itself is the one that has ended so.</summary>
    public bool Left { get; init; }

    /// <summary>The one that ran before this, if its outcome is unknown.</summary>
    public DateTimeOffset Oldest => UnknownSince ?? At;

    /// <summary>When the refresh token was last let go of.</summary>
    public DateTimeOffset RestsSince => LeftAt > At ? LeftAt.Value : At;

    /// <summary>
    /// When the provider's refusal of this attempt counts; null when nothing before it is in doubt. Each crash in the middle of an attempt
    /// begins the wait anew, but not for ever: an answer that comes home after the end still brings the tokenset back.
    /// </summary>
    public DateTimeOffset? RefusalCountsFrom(TimeSpan afterUnknown) => UnknownSince is { } since && LeftAt is { } left
        ? new[] { left + afterUnknown, (DoubtedSince ?? since) + LongestDoubt }.Min()
        : null;

    /// <summary>Ended without an outcome.</summary>
    public RefreshAttempt Leave(DateTimeOffset countedFrom) => this with { Left = true, LeftAt = countedFrom, DoubtedSince = DoubtedSince ?? countedFrom };
}

[JsonConverter(typeof(JsonStringEnumConverter<TokensetState>))]
internal enum TokensetState
{
    Active,

    /// <summary>The provider withdrew the grant; nothing is asked of it again until the user reconnects.</summary>
    ReauthorizationRequired,
}

/// <summary>When an exchange last used a tokenset, to the day; apart from the tokenset, so that it never stands in a refresh's way (F-09).</summary>
internal sealed record TokensetUse : IRecord<TokensetUse>
{
    public static string Kind => "tokenset-use";

    public static JsonTypeInfo<TokensetUse> TypeInfo => TokensetsJson.Default.TokensetUse;

    /// <summary>The tokenset's id.</summary>
    public required string Id { get; init; }

    public required string UserId { get; init; }

    public required string AccountId { get; init; }

    public required string ConnectionId { get; init; }

    public DateTimeOffset LastUsedAt { get; init; }

    [JsonIgnore]
    public long Version { get; init; }

    IEnumerable<EntityKey> IRecord<TokensetUse>.Keys =>
        [EntityKey.Index("user", UserId), EntityKey.Index("account", AccountId), EntityKey.Index("connection", ConnectionId)];

    public TokensetUse AtVersion(long version) => this with { Version = version };
}

/// <summary>The stored form of this slice's nouns.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Tokenset))]
[JsonSerializable(typeof(TokensetUse))]
[JsonSerializable(typeof(ExpiryNotice))]
[JsonSerializable(typeof(RefreshReceipt))]
[JsonSerializable(typeof(RefreshSpare))]
[JsonSerializable(typeof(PendingRevocation))]
[JsonSerializable(typeof(ReceivedTokens))]
[JsonSerializable(typeof(SealedProviderTokens))]
internal sealed partial class TokensetsJson : JsonSerializerContext;
