using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace TokenVault.Server.Storage;

/// <summary>
/// Reads texts that many rows have in common (a client's id, a connection's name, the user of several rows that are read one after the
/// other) into one string instead of one for each row: thousands of rows are remembered. Never for secrets, which it would keep.
/// </summary>
internal sealed class SharedText : JsonConverter<string>
{
    public const int Longest = 64;

    // By hash, the one that came last; a power of two. Races lose nothing but a chance to share.
    private static readonly string?[] Known = new string?[2_048];

    public override string Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => Read(ref reader);

    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteStringValue(value);

    internal static string Read(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.String || reader.HasValueSequence || reader.ValueIsEscaped || reader.ValueSpan.Length > Longest)
        {
            // Fails, as it does without this converter, where it is no string.
            return reader.GetString()!;
        }

        ref var known = ref Place(reader.ValueSpan);
        var shared = Volatile.Read(ref known);
        if (shared is null || !Ascii.Equals(reader.ValueSpan, shared))
        {
            shared = reader.GetString()!;
            Volatile.Write(ref known, shared);
        }

        return shared;
    }

    /// <summary>The same text, maybe as another string.</summary>
    internal static string Of(string text)
    {
        Span<byte> ascii = stackalloc byte[Longest];
        if (text.Length > Longest || Ascii.FromUtf16(text, ascii, out var length) != OperationStatus.Done)
        {
            return text;
        }

        ref var known = ref Place(ascii[..length]);
        if (Volatile.Read(ref known) is { } shared && shared == text)
        {
            return shared;
        }

        Volatile.Write(ref known, text);
        return text;
    }

    private static ref string? Place(ReadOnlySpan<byte> text)
    {
        var hash = default(HashCode);
        hash.AddBytes(text);
        return ref Known[hash.ToHashCode() & (Known.Length - 1)];
    }
}

/// <summary>As <see cref="SharedText"/>, each of a list, and the list itself: thousands of users granted the same scopes.</summary>
internal sealed class SharedTexts : JsonConverter<IReadOnlyList<string>>
{
    /// <summary>A list that many have is short; what a provider makes up is not kept for good.</summary>
    private const int Most = 32;

    private static readonly string[]?[] Known = new string[]?[256];

    public override IReadOnlyList<string> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            throw new JsonException();
        }

        var texts = new List<string>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            texts.Add(SharedText.Read(ref reader));
        }

        return Of(CollectionsMarshal.AsSpan(texts));
    }

    public override void Write(Utf8JsonWriter writer, IReadOnlyList<string> value, JsonSerializerOptions options)
    {
        writer.WriteStartArray();
        foreach (var text in value)
        {
            writer.WriteStringValue(text);
        }

        writer.WriteEndArray();
    }

    /// <summary>The same texts in the same order, maybe as a list that others have, too.</summary>
    internal static IReadOnlyList<string> Of(ReadOnlySpan<string> texts)
    {
        if (texts.IsEmpty)
        {
            return [];
        }

        var hash = default(HashCode);
        foreach (var text in texts)
        {
            if (texts.Length > Most || text?.Length > SharedText.Longest)
            {
                return texts.ToArray();
            }

            hash.Add(text, StringComparer.Ordinal);
        }

        ref var known = ref Known[hash.ToHashCode() & (Known.Length - 1)];
        var shared = Volatile.Read(ref known);
        if (shared is null || !texts.SequenceEqual(shared))
        {
            shared = texts.ToArray();
            Volatile.Write(ref known, shared);
        }

        return shared;
    }
}
