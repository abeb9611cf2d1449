using System.Buffers.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using TokenVault.Server.Keys;

namespace TokenVault.Server.Mcp;

/// <summary>What a link stands for: who has asked for it, and for what.</summary>
internal sealed record ConnectWish(string UserId, string ClientId, string Connection, IReadOnlyList<string> Scopes, DateTimeOffset Until);

/// <summary>What the browser keeps between its departure and its return, sealed.</summary>
internal sealed record ConnectVisit(string UserId, string ClientId, string Session, string Verifier, DateTimeOffset Until)
{
    public override string ToString() => "[secret]";
}

/// <summary>
/// Links for users to connect accounts by. A link lets nobody do anything: it works in a browser in which the user who asked for it is signed
/// in (T-CF-02), and a model or a client that sees it has nothing of worth.
/// </summary>
internal sealed class ConnectLinks(KeyRing ring, TokenVaultOptions options, TimeProvider time)
{
    public const string Path = "/mcp/connect";

    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(10);

    private const int Longest = 8192;

    private static readonly byte[] WishAad = Aad.For("mcp", "wish");
    private static readonly byte[] VisitAad = Aad.For("mcp", "visit");

    public string For(McpCaller caller, string connection, IReadOnlyList<string> scopes)
    {
        var wish = new ConnectWish(caller.UserId, caller.Client.ClientId, connection, scopes, time.GetUtcNow() + Lifetime);
        var text = Base64Url.EncodeToString(ring.Seal(JsonSerializer.SerializeToUtf8Bytes(wish, ConnectLinksJson.Default.ConnectWish), WishAad));
        return $"{options.Issuer}{Path[1..]}?request={text}";
    }

    public string Seal(ConnectVisit visit) =>
        Base64Url.EncodeToString(ring.Seal(JsonSerializer.SerializeToUtf8Bytes(visit, ConnectLinksJson.Default.ConnectVisit), VisitAad));

    /// <returns>Null: not ours, or too old.</returns>
    public ConnectWish? Wish(string? text) =>
        Open(text, WishAad, bytes => JsonSerializer.Deserialize(bytes, ConnectLinksJson.Default.ConnectWish)) is { } wish && wish.Until > time.GetUtcNow() ? wish : null;

    /// <returns>Null: not ours, or too old.</returns>
    public ConnectVisit? Visit(string? text) =>
        Open(text, VisitAad, bytes => JsonSerializer.Deserialize(bytes, ConnectLinksJson.Default.ConnectVisit)) is { } visit && visit.Until > time.GetUtcNow() ? visit : null;

    private T? Open<T>(string? text, byte[] aad, Func<byte[], T?> read)
        where T : class
    {
        if (text is null || text.Length > Longest)
        {
            return null;
        }

        try
        {
            return read(ring.OpenForeign(Base64Url.DecodeFromChars(text), aad));
        }
        catch (Exception e) when (e is FormatException or BrokenSealException or JsonException)
        {
            return null;
        }
    }
}

[JsonSerializable(typeof(ConnectWish))]
[JsonSerializable(typeof(ConnectVisit))]
internal sealed partial class ConnectLinksJson : JsonSerializerContext;
