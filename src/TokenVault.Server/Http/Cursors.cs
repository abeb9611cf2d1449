using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using TokenVault.Server.Keys;

namespace TokenVault.Server.Http;

/// <summary>Opaque positions in a list: good for the collection and the filter they were made for, and for nothing else (T-MG-08).</summary>
internal sealed class Cursors(KeyRing ring)
{
    private const string Purpose = "list-cursor";
    private const int MacLength = 16;

    /// <param name="scope">The collection, then the filter: whatever must not change between two pages.</param>
    public string After(string id, params ReadOnlySpan<string> scope)
    {
        var text = Encoding.UTF8.GetBytes(id);
        return Base64Url.EncodeToString([.. Mac(id, scope), .. text]);
    }

    /// <summary>The id to go on after, or null when the cursor is not ours or of another list.</summary>
    public string? Read(string cursor, params ReadOnlySpan<string> scope)
    {
        if (cursor.Length > 1024 || !Base64Url.IsValid(cursor) || cursor.Any(char.IsWhiteSpace))
        {
            return null;
        }

        var bytes = Base64Url.DecodeFromChars(cursor);
        if (bytes.Length <= MacLength)
        {
            return null;
        }

        var id = Encoding.UTF8.GetString(bytes.AsSpan(MacLength));
        return CryptographicOperations.FixedTimeEquals(bytes.AsSpan(0, MacLength), Mac(id, scope)) ? id : null;
    }

    private byte[] Mac(string id, ReadOnlySpan<string> scope) =>
        ring.Mac(Purpose, Aad.For(Purpose, [id, .. scope]))[..MacLength];
}
