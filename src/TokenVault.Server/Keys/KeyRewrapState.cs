using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Keys;

/// <summary>
/// How far the re-wrapping has come; written with every batch, so that whoever goes on after a crash begins where it ended. A run goes
/// over all rows, again and again until it finds nothing to do: what others wrote meanwhile is found by the next pass.
/// </summary>
internal sealed record KeyRewrapState : IRecord<KeyRewrapState>
{
    public const string OnlyId = "rewrap";

    public static string Kind => "key-rewrap";

    public static JsonTypeInfo<KeyRewrapState> TypeInfo => KeysJson.Default.KeyRewrapState;

    public string Id { get; set; } = OnlyId;

    /// <summary>The vault key that everything is put under.</summary>
    public required string KeyId { get; init; }

    public int Pass { get; init; }

    /// <summary>The kind of rows that this pass is at; null at its beginning.</summary>
    public string? Noun { get; init; }

    /// <summary>The last row of that kind that was looked at.</summary>
    public string? After { get; init; }

    /// <summary>Rows looked at in this pass.</summary>
    public long Done { get; init; }

    /// <summary>Rows there were when this pass began.</summary>
    public long Total { get; init; }

    /// <summary>Rows re-wrapped in this pass.</summary>
    public long Rewrapped { get; init; }

    /// <summary>Rows re-wrapped in this run.</summary>
    public long RewrappedInAll { get; init; }

    /// <summary>Rows of this pass that hold something under another key, or under none known, and that does not open.</summary>
    public long LeftBehind { get; init; }

    public DateTimeOffset StartedAt { get; init; }

    public DateTimeOffset? FinishedAt { get; init; }

    /// <summary>Since when every pass has found that nothing refers to any other key.</summary>
    public DateTimeOffset? CleanSince { get; init; }

    [JsonIgnore]
    public long Version { get; init; }

    public KeyRewrapState AtVersion(long version) => this with { Version = version };
}
