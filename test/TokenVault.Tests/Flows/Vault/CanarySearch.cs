using System.Text;

namespace TokenVault.Tests.Flows.Vault;

/// <summary>Looks for a secret in every encoding that somebody may have put it in.</summary>
internal static class CanarySearch
{
    public static bool Found(ReadOnlySpan<byte> stack, string secret)
    {
        foreach (var needle in Spellings(secret))
        {
            if (stack.IndexOf(needle) >= 0)
            {
                return true;
            }
        }

        return false;
    }

    public static IEnumerable<byte[]> Spellings(string secret)
    {
        var bytes = Encoding.UTF8.GetBytes(secret);
        yield return bytes;
        yield return Encoding.Unicode.GetBytes(secret);
        yield return Encoding.BigEndianUnicode.GetBytes(secret);
        yield return Encoding.ASCII.GetBytes(Convert.ToHexString(bytes));
        yield return Encoding.ASCII.GetBytes(Convert.ToHexStringLower(bytes));
        for (var offset = 0; offset < 3; offset++)
        {
            // What neither the bytes before nor those after the secret can change.
            var shifted = Convert.ToBase64String([.. new byte[offset], .. bytes]);
            var from = offset == 0 ? 0 : 4;
            var stable = shifted[from..((offset + bytes.Length) / 3 * 4)];
            yield return Encoding.ASCII.GetBytes(stable);
            yield return Encoding.ASCII.GetBytes(stable.Replace('+', '-').Replace('/', '_'));
        }
    }
}
