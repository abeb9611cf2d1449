using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using TokenVault.Server.Keys;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Actions;

/// <summary>An action of the operator's: an HTTP endpoint that is asked about a transaction, and answers what is to be done.</summary>
internal sealed record RemoteAction : ISealed<RemoteAction>
{
    public const int DefaultTimeout = 3000;
    public const int ShortestTimeout = 100;
    public const int LongestTimeout = 10_000;

    public static string Kind => "action";

    public static JsonTypeInfo<RemoteAction> TypeInfo => ActionsJson.Default.RemoteAction;

    public static IReadOnlyList<SealedField<RemoteAction>> SealedFields { get; } =
        [new(nameof(SealedSecret), action => action.SealedSecret, action => AadOf(action.Id))];

    public static bool IsKeptInMemory => true;

    public required string Id { get; init; }

    public required string Name { get; init; }

    /// <summary>One of <see cref="ActionTrigger"/>. Cannot be changed.</summary>
    public required string Trigger { get; init; }

    public required string Url { get; init; }

    /// <summary>Milliseconds for the whole answer.</summary>
    public int Timeout { get; set; } = DefaultTimeout;

    /// <summary>Whether the transaction goes on without an answer.</summary>
    public bool FailsOpen { get; init; }

    /// <summary>What calls are signed with.</summary>
    public byte[]? SealedSecret { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset UpdatedAt { get; init; }

    [JsonIgnore]
    public long Version { get; init; }

    IEnumerable<EntityKey> IRecord<RemoteAction>.Keys => [EntityKey.UniqueKey("name", Name)];

    public RemoteAction AtVersion(long version) => this with { Version = version };

    public static byte[] AadOf(string id) => Aad.For("action_secret", id);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(RemoteAction))]
[JsonSerializable(typeof(ActionBindings))]
internal sealed partial class ActionsJson : JsonSerializerContext;
