using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace TokenVault.Server.Users.Factors;

/// <summary>Time-based one-time codes (RFC 6238) as authenticator apps make them: SHA-1, 30 seconds, 6 digits.</summary>
internal static class Totp
{
    public const int SecretSize = 20;

    private const int Digits = 6;
    private const int Period = 30;

    /// <summary>Steps to either side, for phones whose clocks are off (RFC 6238 §5.2).</summary>
    private const int Skew = 1;

    private const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

    public static long StepAt(DateTimeOffset at) => at.ToUnixTimeSeconds() / Period;

    /// <summary>RFC 4226 §5.3, with the time step as the counter.</summary>
    public static string CodeAt(ReadOnlySpan<byte> secret, long step)
    {
        Span<byte> counter = stackalloc byte[sizeof(long)];
        System.Buffers.Binary.BinaryPrimitives.WriteInt64BigEndian(counter, step);
        Span<byte> mac = stackalloc byte[HMACSHA1.HashSizeInBytes];
#pragma warning disable CA5350 // What authenticator apps compute; HMAC does not need SHA-1's collision resistance (RFC 6238 §1.2).
        HMACSHA1.HashData(secret, counter, mac);
#pragma warning restore CA5350
        var binary = System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(mac[(mac[^1] & 0xf)..]) & int.MaxValue;
        return (binary % 1_000_000).ToString("D" + Digits, CultureInfo.InvariantCulture);
    }

    /// <summary>The step that the code is of; null when it is of none that is near, or of one that was used: a code is good once (RFC 6238 §5.2).</summary>
    /// <param name="used">The last step that was accepted.</param>
    public static long? Match(ReadOnlySpan<byte> secret, string code, DateTimeOffset now, long used)
    {
        long? match = null;
        for (var step = StepAt(now) - Skew; step <= StepAt(now) + Skew; step++)
        {
            var same = CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(CodeAt(secret, step)), Encoding.UTF8.GetBytes(code));
            match = same && step > used ? step : match;
        }

        return match;
    }

    /// <summary>What the QR code holds: the key URI that authenticator apps agree on.</summary>
    public static string Uri(string issuer, string account, byte[] secret)
    {
        var label = $"{System.Uri.EscapeDataString(issuer)}:{System.Uri.EscapeDataString(account)}";
        return $"otpauth://totp/{label}?secret={Text(secret)}&issuer={System.Uri.EscapeDataString(issuer)}&algorithm=SHA1&digits={Digits}&period={Period}";
    }

    /// <summary>Base32 without padding (RFC 4648 §6).</summary>
    public static string Text(ReadOnlySpan<byte> secret)
    {
        var text = new StringBuilder();
        var (buffer, bits) = (0, 0);
        foreach (var next in secret)
        {
            (buffer, bits) = ((buffer << 8) | next, bits + 8);
            for (; bits >= 5; bits -= 5)
            {
                text.Append(Alphabet[(buffer >> (bits - 5)) & 31]);
            }

            buffer &= (1 << bits) - 1;
        }

        return bits == 0 ? text.ToString() : text.Append(Alphabet[(buffer << (5 - bits)) & 31]).ToString();
    }
}
