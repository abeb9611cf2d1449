using Npgsql;
using NpgsqlTypes;

namespace TokenVault.Server.Storage.Postgres;

/// <summary>Parameters with their types, so that a statement is prepared once; and what PostgreSQL can hold at all.</summary>
internal static class PostgresValues
{
    /// <summary>
    /// PostgreSQL's text has no U+0000 and only well-formed Unicode. No key that was written can equal such a text, so a search for it
    /// finds nothing.
    /// </summary>
    public static bool CanBeStored(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\0' || char.IsLowSurrogate(text[i]) || (char.IsHighSurrogate(text[i]) && (++i == text.Length || !char.IsLowSurrogate(text[i]))))
            {
                return false;
            }
        }

        return true;
    }

    public static NpgsqlParameter Text(string value) => new NpgsqlParameter<string> { TypedValue = value, NpgsqlDbType = NpgsqlDbType.Text };

    public static NpgsqlParameter Number(long value) => new NpgsqlParameter<long> { TypedValue = value, NpgsqlDbType = NpgsqlDbType.Bigint };

    public static NpgsqlParameter Time(DateTimeOffset? value) =>
        new() { Value = value is { } instant ? instant.ToMicroseconds() : DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bigint };

    public static NpgsqlParameter Bytes(byte[] value) => new NpgsqlParameter<byte[]> { TypedValue = value, NpgsqlDbType = NpgsqlDbType.Bytea };

    public static NpgsqlParameter Duration(TimeSpan value) =>
        new NpgsqlParameter<TimeSpan> { TypedValue = value, NpgsqlDbType = NpgsqlDbType.Interval };

    public static NpgsqlParameter Texts(IEnumerable<string?> values) =>
        new NpgsqlParameter<string?[]> { TypedValue = [.. values], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text };

    public static NpgsqlParameter Numbers(IEnumerable<long> values) =>
        new NpgsqlParameter<long[]> { TypedValue = [.. values], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint };

    public static NpgsqlParameter Times(IEnumerable<DateTimeOffset?> values) =>
        new NpgsqlParameter<long?[]> { TypedValue = [.. values.Select(value => value?.ToMicroseconds())], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint };

    public static NpgsqlParameter ByteArrays(IEnumerable<byte[]?> values) =>
        new NpgsqlParameter<byte[]?[]> { TypedValue = [.. values], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bytea };
}
