using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Exchange;

/// <summary>What a privileged worker has used up, of all nodes together: within this minute, and within this hour.</summary>
internal sealed record WorkerBudget : IRecord<WorkerBudget>
{
    private const int SecondsPerHour = 3600;

    public static string Kind => "worker-budget";

    public static JsonTypeInfo<WorkerBudget> TypeInfo => ExchangeJson.Default.WorkerBudget;

    public required string ClientId { get; init; }

    /// <summary>In minutes since 1970.</summary>
    public long Minute { get; init; }

    public int Requests { get; init; }

    /// <summary>In hours since 1970.</summary>
    public long Hour { get; init; }

    /// <summary>How many different users.</summary>
    public int Users { get; init; }

    [JsonIgnore]
    public long Version { get; init; }

    string IRecord<WorkerBudget>.Id => ClientId;

    DateTimeOffset? IRecord<WorkerBudget>.ExpiresAt => DateTimeOffset.FromUnixTimeSeconds((Hour + 2) * SecondsPerHour);

    public WorkerBudget AtVersion(long version) => this with { Version = version };

    /// <summary>With what is past forgotten.</summary>
    public WorkerBudget At(DateTimeOffset now)
    {
        var (minute, hour) = (now.ToUnixTimeSeconds() / 60, now.ToUnixTimeSeconds() / SecondsPerHour);
        return this with { Minute = minute, Requests = minute == Minute ? Requests : 0, Hour = hour, Users = hour == Hour ? Users : 0 };
    }

    /// <summary>The mark that this user was counted in this hour.</summary>
    public WorkerReach Reach(string userId) => new()
    {
        Id = Identifier.Hash($"{ClientId}\n{Hour}\n{userId}"),
        ForgottenAt = DateTimeOffset.FromUnixTimeSeconds((Hour + 2) * SecondsPerHour),
    };
}

/// <summary>A user for whom a worker has asked in this hour.</summary>
internal sealed record WorkerReach : IRecord<WorkerReach>
{
    public static string Kind => "worker-reach";

    public static JsonTypeInfo<WorkerReach> TypeInfo => ExchangeJson.Default.WorkerReach;

    public required string Id { get; init; }

    public required DateTimeOffset ForgottenAt { get; init; }

    [JsonIgnore]
    public long Version { get; init; }

    DateTimeOffset? IRecord<WorkerReach>.ExpiresAt => ForgottenAt;

    public WorkerReach AtVersion(long version) => this with { Version = version };
}

/// <summary>The stored form of this slice's nouns.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(WorkerBudget))]
[JsonSerializable(typeof(WorkerReach))]
internal sealed partial class ExchangeJson : JsonSerializerContext;
