using System.Security.Cryptography;
using System.Text;
using TokenVault.Server.Keys;

namespace TokenVault.Server.Http;

/// <summary>By which a receiver knows that a delivery is this server's, whole, and of when.</summary>
internal static class WebhookSignature
{
    public const string Header = "TokenVault-Signature";

    /// <summary><c>t=…,v1=…</c>: v1 is over everything before it, a dot, and the body.</summary>
    /// <param name="signed">What stands before <c>v1</c>.</param>
    public static string Of(string signed, Secret secret, byte[] body)
    {
        byte[] data = [.. Encoding.UTF8.GetBytes(signed + "."), .. body];
        var mac = HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret.Reveal()), data);
        return $"{signed},v1={Convert.ToHexStringLower(mac)}";
    }
}
