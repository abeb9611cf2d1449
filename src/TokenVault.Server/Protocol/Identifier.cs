using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;

namespace TokenVault.Server.Protocol;

/// <summary>Identifiers and bearer secrets in the formats that the field's tools expect. All from the system's CSPRNG.</summary>
internal static class Identifier
{
    private const string Base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    private static readonly SearchValues<char> Base62Characters = SearchValues.Create(Base62);

    /// <summary>A connected account: <c>cac_</c> and 22 base62 characters (131 bits).</summary>
    public static string ConnectedAccount() => "cac_" + Text(22);

    public static bool IsConnectedAccount(string text) =>
        text.Length == 26 && text.StartsWith("cac_", StringComparison.Ordinal) && text.AsSpan(4).IndexOfAnyExcept(Base62Characters) < 0;

    public static string Tokenset() => "fct_" + Text(22);

    public static string Connection() => "con_" + Text(16);

    public static string ClientGrant() => "cgr_" + Text(16);

    public static string TokenExchangeProfile() => "tep_" + Text(16);

    public static string Action() => "act_" + Text(16);

    public static string ActionBinding() => "abn_" + Text(16);

    /// <summary>A second factor, by its kind: <c>totp|dev_</c> and 16 characters.</summary>
    public static string Factor(string kind) => $"{kind}|dev_" + Text(16);

    public static string Client() => Text(32);

    public static string ClientCredential() => "cred_" + Text(22);

    /// <summary>The 24 hexadecimal characters that tools expect of an API.</summary>
    public static string ResourceServer() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(12));

    /// <summary>A local user: <c>auth0|</c> and 24 hexadecimal characters.</summary>
    public static string User() => "auth0|" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(12));

    public static string RefreshToken() => "rt_" + Text(22);

    public static string Session() => "sess_" + Text(22);

    /// <summary>64 base62 characters: 381 bits, the length that SDKs and tools expect of a client secret.</summary>
    public static string ClientSecret() => Text(64);

    /// <summary>256 random bits, base64url: 43 characters. For tickets, codes, states and cookies (T-CF-01).</summary>
    public static string Secret() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    /// <summary>Ids that ascend with time, so that a page in id order is a page in time order.</summary>
    public static string Log(DateTimeOffset now) =>
        string.Concat(LogPrefix(now), Text(17));

    /// <summary>What the ids of that microsecond begin with: no id of an earlier one is greater, none of a later one less.</summary>
    public static string LogPrefix(DateTimeOffset instant) =>
        string.Concat("900", instant.UtcDateTime.ToString("yyyyMMddHHmmssffffff", System.Globalization.CultureInfo.InvariantCulture));

    /// <summary>What is stored of a 256-bit bearer secret: lower-case hexadecimal SHA-256.</summary>
    public static string Hash(string secret) => Convert.ToHexStringLower(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(secret)));

    private static string Text(int length) => RandomNumberGenerator.GetString(Base62, length);
}
