using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace TokenVault.Cli.Trial;

/// <summary>A proof that the code is redeemed by who asked for it (RFC 7636).</summary>
internal sealed record Pkce(string Verifier)
{
    public string Challenge => Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(Verifier)));

    public static Pkce New() => new(Unguessable());

    public static string Unguessable() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    public override string ToString() => "[secret]";
}
