using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Keys;

/// <summary>A kind of rows that hold sealed values, seen without its type.</summary>
internal abstract class SealedNoun
{
    public abstract string Kind { get; }

    public abstract Type Type { get; }

    /// <summary>The properties that hold sealed values.</summary>
    public abstract IReadOnlyList<string> Paths { get; }

    public static SealedNoun Of<T>()
        where T : class, ISealed<T> => new Noun<T>();

    /// <summary>The vault keys that the row's values name; null stands for a value that is no blob of a known form.</summary>
    /// <exception cref="CorruptRecordException">The row is not what it claims to be.</exception>
    public abstract IEnumerable<ulong?> KeysOf(Entity row);

    /// <summary>The properties that hold a value which does not open.</summary>
    /// <exception cref="CorruptRecordException">The row is not what it claims to be.</exception>
    public abstract IReadOnlyList<string> FindBroken(Entity row, KeyRing ring);

    /// <summary>
    /// The write that puts every value of the row under the key that seals now, one that does not open excepted; null when there is nothing
    /// to do.
    /// </summary>
    /// <exception cref="CorruptRecordException">The row is not what it claims to be.</exception>
    public abstract Operation? Rewrap(Entity row, KeyRing ring);

    private sealed class Noun<T> : SealedNoun
        where T : class, ISealed<T>
    {
        public override string Kind => T.Kind;

        public override Type Type => typeof(T);

        public override IReadOnlyList<string> Paths => [.. T.SealedFields.Select(value => value.Path)];

        public override IEnumerable<ulong?> KeysOf(Entity row)
        {
            var record = row.ToRecord<T>();
            return T.SealedFields
                .Select(field => field.Blob(record))
                .OfType<byte[]>()
                .Select(blob => Envelope.TryReadKekId(blob, out var id) ? id : (ulong?)null);
        }

        public override IReadOnlyList<string> FindBroken(Entity row, KeyRing ring)
        {
            var record = row.ToRecord<T>();
            return [.. T.SealedFields.Where(field => field.Blob(record) is { } blob && !Opens(blob, field.Aad(record), ring)).Select(field => field.Path)];
        }

        public override Operation? Rewrap(Entity row, KeyRing ring)
        {
            var record = row.ToRecord<T>();
            var sealingId = ring.SealingId;
            var renewed = new Dictionary<string, byte[]>(StringComparer.Ordinal);
            foreach (var field in T.SealedFields)
            {
                if (field.Blob(record) is { } blob
                    && Envelope.TryReadKekId(blob, out var id)
                    && id != sealingId
                    && TryReseal(blob, field.Aad(record), ring) is { } resealed)
                {
                    renewed[Convert.ToBase64String(blob)] = resealed;
                }
            }

            if (renewed.Count == 0)
            {
                return null;
            }

            var rewritten = row with { Body = Replace(row.Body, renewed) };
            return T.IsKeptInMemory
                ? new ReplaceOperation(rewritten.ToRecord<T>().ToEntity())
                : new RewriteOperation(rewritten);
        }
    }

    private static bool Opens(byte[] blob, byte[] aad, KeyRing ring)
    {
        try
        {
            CryptographicOperations.ZeroMemory(ring.Open(blob, aad));
            return true;
        }
        catch (BrokenSealException)
        {
            return false;
        }
    }

    /// <summary>The header, with the key's id in it, is authenticated with the content: there is no exchanging the key alone.</summary>
    private static byte[]? TryReseal(byte[] blob, byte[] aad, KeyRing ring)
    {
        try
        {
            var plaintext = ring.Open(blob, aad);
            try
            {
                return ring.Seal(plaintext, aad);
            }
            finally
            {
                CryptographicOperations.ZeroMemory(plaintext);
            }
        }
        catch (BrokenSealException)
        {
            return null;
        }
    }

    /// <summary>In the text as it is stored, so that members which a newer version of the server wrote stay.</summary>
    private static byte[] Replace(byte[] body, Dictionary<string, byte[]> renewed)
    {
        var json = JsonNode.Parse(body)!;
        Replace(json, renewed);
        using var buffer = new MemoryStream(body.Length);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            json.WriteTo(writer);
        }

        return buffer.ToArray();
    }

    private static void Replace(JsonNode node, Dictionary<string, byte[]> renewed)
    {
        if (node is JsonValue value && value.TryGetValue<string>(out var text) && renewed.TryGetValue(text, out var blob))
        {
            value.ReplaceWith(JsonValue.Create(Convert.ToBase64String(blob)));
            return;
        }

        IEnumerable<JsonNode?> children = node switch
        {
            JsonObject members => members.Select(member => member.Value),
            JsonArray items => items,
            _ => [],
        };
        foreach (var child in children.OfType<JsonNode>().ToList())
        {
            Replace(child, renewed);
        }
    }
}
