using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace TokenVault.Server.Keys.Jose;

/// <summary>
/// The three header members this server understands. A header that tries anything else with keys or encodings is refused (T-ST-03): only a
/// DPoP proof brings its key along, since it proves nothing but the possession of that key.
/// </summary>
internal sealed record JwsHeader(string Algorithm, string? Type, string? KeyId)
{
    private const int LongestKeyId = 128;

    /// <summary>A DPoP proof's own key (RFC 9449 §4.2).</summary>
    public JsonElement? Key { get; private init; }

    /// <summary>Keys, and places to fetch keys from, that the token brings along; extensions; what belongs to JWE.</summary>
    private static readonly string[] Refused = ["jku", "x5u", "x5c", "crit", "b64", "zip", "enc"];

    /// <param name="bringsKey">Whether the header must have a key; otherwise it must not.</param>
    public static JwsHeader? Parse(ReadOnlySpan<byte> utf8, bool bringsKey, out string problem)
    {
        if (!StrictJson.TryParseObject(utf8, out var header))
        {
            problem = "the header is not a strict JSON object";
            return null;
        }

        foreach (var name in Refused)
        {
            if (header.Value.TryGetProperty(name, out _))
            {
                problem = $"the header has '{name}'";
                return null;
            }
        }

        if (header.Value.TryGetProperty("jwk", out var key) != bringsKey)
        {
            problem = bringsKey ? "the header has no 'jwk'" : "the header has 'jwk'";
            return null;
        }

        if (!TryText(header.Value, "alg", out var algorithm) || algorithm is null
            || !TryText(header.Value, "typ", out var type)
            || !TryText(header.Value, "kid", out var keyId))
        {
            problem = "alg, typ or kid is not a string";
            return null;
        }

        if (keyId is not null && !IsKeyId(keyId))
        {
            problem = "the kid is not one";
            return null;
        }

        problem = "";
        return new JwsHeader(algorithm, type, keyId) { Key = bringsKey ? key : null };
    }

    /// <summary>T-ST-16: what can name a key can do no harm in a path, a query or a log.</summary>
    public static bool IsKeyId([NotNullWhen(true)] string? kid) =>
        kid is { Length: > 0 and <= LongestKeyId } && kid.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');

    private static bool TryText(JsonElement header, string name, out string? text)
    {
        text = null;
        if (!header.TryGetProperty(name, out var member))
        {
            return true;
        }

        if (member.ValueKind != JsonValueKind.String)
        {
            return false;
        }

        text = member.GetString();
        return true;
    }

    /// <summary>The <c>typ</c> without <c>application/</c>; "" when there is none.</summary>
    public string PlainType()
    {
        const string prefix = "application/";
        var type = Type ?? "";
        return type.StartsWith(prefix, StringComparison.Ordinal) ? type[prefix.Length..] : type;
    }
}
