using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace TokenVault.Server.Storage;

/// <summary>A noun of the domain that is stored. A new noun costs no storage code.</summary>
internal interface IRecord<TSelf>
    where TSelf : class, IRecord<TSelf>
{
    static abstract string Kind { get; }

    static abstract JsonTypeInfo<TSelf> TypeInfo { get; }

    string Id { get; }

    /// <summary>The stored version this value was read at; 0 for one not stored yet. Not part of the body.</summary>
    long Version { get; init; }

    DateTimeOffset? ExpiresAt => null;

    IEnumerable<EntityKey> Keys => [];

    /// <summary>A copy that carries the version it was read at.</summary>
    TSelf AtVersion(long version);
}

/// <summary>The way from noun to row and back.</summary>
internal static class RecordEntity
{
    public static Entity ToEntity<T>(this T record)
        where T : class, IRecord<T> =>
        new(T.Kind, record.Id, record.Version, record.ExpiresAt, JsonSerializer.SerializeToUtf8Bytes(record, T.TypeInfo), [.. record.Keys]);

    /// <exception cref="CorruptRecordException">The body is no such noun, or is another row's body.</exception>
    public static T ToRecord<T>(this Entity entity)
        where T : class, IRecord<T>
    {
        T? record;
        try
        {
            record = JsonSerializer.Deserialize(entity.Body, T.TypeInfo);
        }
        catch (JsonException e)
        {
            throw new CorruptRecordException(entity.Kind, entity.Id, e);
        }

        // A body moved to another row must not be taken for that row (T-EN-02).
        return record is not null && string.Equals(record.Id, entity.Id, StringComparison.Ordinal)
            ? record.AtVersion(entity.Version)
            : throw new CorruptRecordException(entity.Kind, entity.Id, inner: null);
    }
}

/// <summary>A stored row cannot be what it claims to be. It is refused and reported; other rows are unaffected.</summary>
internal sealed class CorruptRecordException(string kind, string id, Exception? inner)
    : Exception($"The stored {kind} '{id}' is corrupt.", inner)
{
    public string RecordKind { get; } = kind;

    public string RecordId { get; } = id;
}
