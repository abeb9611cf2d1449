using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Exchange;

/// <summary>
/// How often a privileged worker has asked, of all nodes together: in this minute of the clock, and in the one before, which counts for as
/// much of it as lies within the last sixty seconds.
/// </summary>
internal sealed record WorkerBudget : IRecord<WorkerBudget>
{
    private const int SecondsPerMinute = 60;

    /// <summary>How long it is worth keeping.</summary>
    private static readonly TimeSpan Memory = TimeSpan.FromHours(1);

    public static string Kind => "worker-budget";

    public static JsonTypeInfo<WorkerBudget> TypeInfo => ExchangeJson.Default.WorkerBudget;

    public required string ClientId { get; init; }

    /// <summary>In minutes since 1970.</summary>
    public long Minute { get; init; }

    public int Requests { get; init; }

    /// <summary>In the minute before.</summary>
    public int FormerRequests { get; init; }

    [JsonIgnore]
    public long Version { get; init; }

    string IRecord<WorkerBudget>.Id => ClientId;

    DateTimeOffset? IRecord<WorkerBudget>.ExpiresAt => DateTimeOffset.FromUnixTimeSeconds(Minute * SecondsPerMinute) + Memory;

    public WorkerBudget AtVersion(long version) => this with { Version = version };

    /// <summary>With what is past forgotten. A node whose clock is a little behind counts on in the minute that another node has begun.</summary>
    public WorkerBudget At(DateTimeOffset now)
    {
        var minute = MinuteOf(now);
        return minute == Minute || minute == Minute - 1 ? this : this with { Minute = minute, Requests = 0, FormerRequests = minute == Minute + 1 ? Requests : 0 };
    }

    /// <summary>Within the last sixty seconds.</summary>
    public int RecentRequests(DateTimeOffset now)
    {
        var left = MinuteOf(now) < Minute ? SecondsPerMinute : SecondsPerMinute - (int)(now.ToUnixTimeSeconds() % SecondsPerMinute);
        return Requests + (FormerRequests * left / SecondsPerMinute);
    }

    private static long MinuteOf(DateTimeOffset now) => now.ToUnixTimeSeconds() / SecondsPerMinute;
}

/// <summary>A user for whom a worker has asked within the last hour: as many as there are of them, so many users it has reached.</summary>
internal sealed record WorkerReach : IRecord<WorkerReach>
{
    private static readonly TimeSpan Memory = TimeSpan.FromHours(1);

    public static string Kind => "worker-reach";

    public static JsonTypeInfo<WorkerReach> TypeInfo => ExchangeJson.Default.WorkerReach;

    public required string Id { get; init; }

    public string? ClientId { get; init; }

    public required DateTimeOffset ForgottenAt { get; init; }

    [JsonIgnore]
    public long Version { get; init; }

    DateTimeOffset? IRecord<WorkerReach>.ExpiresAt => ForgottenAt;

    IEnumerable<EntityKey> IRecord<WorkerReach>.Keys => ClientId is null ? [] : [Of(ClientId)];

    public static EntityKey Of(string clientId) => EntityKey.Index("worker", clientId);

    public static WorkerReach Of(string clientId, string userId, DateTimeOffset now) =>
        new() { Id = Identifier.Hash($"{clientId}\n{userId}"), ClientId = clientId, ForgottenAt = now + Memory };

    public WorkerReach AtVersion(long version) => this with { Version = version };
}

/// <summary>The stored form of this slice's nouns.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(WorkerBudget))]
[JsonSerializable(typeof(WorkerReach))]
internal sealed partial class ExchangeJson : JsonSerializerContext;
