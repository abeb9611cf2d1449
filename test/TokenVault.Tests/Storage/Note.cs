using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using TokenVault.Server.Storage;

namespace TokenVault.Tests.Storage;

/// <summary>A noun for tests.</summary>
internal sealed record Note : IRecord<Note>
{
    public static string Kind => "note";

    public static JsonTypeInfo<Note> TypeInfo => NotesJson.Default.Note;

    public required string Id { get; init; }

    public string Text { get; init; } = "";

    public string? Name { get; init; }

    public string? Owner { get; init; }

    public DateTimeOffset? ExpiresAt { get; init; }

    [JsonIgnore]
    public long Version { get; init; }

    IEnumerable<EntityKey> IRecord<Note>.Keys =>
    [
        .. Name is null ? (EntityKey[])[] : [EntityKey.UniqueKey("name", Name)],
        .. Owner is null ? (EntityKey[])[] : [EntityKey.Index(EntityKey.Owner, Owner)],
    ];

    public Note AtVersion(long version) => this with { Version = version };
}

[JsonSerializable(typeof(Note))]
internal sealed partial class NotesJson : JsonSerializerContext;
