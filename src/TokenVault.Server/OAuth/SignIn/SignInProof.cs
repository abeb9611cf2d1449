using System.Buffers.Text;
using System.Text;
using TokenVault.Server.Keys;

namespace TokenVault.Server.OAuth.SignIn;

/// <summary>
/// What we prove to the provider with, and it to us: derived from the state by a key of the server's, so that it need not be kept. Who
/// sees the state cannot tell it (RFC 7636 §7.1: 256 bits).
/// </summary>
internal sealed record SignInProof(string CodeVerifier, string Nonce)
{
    public static SignInProof Of(KeyRing ring, Secret state)
    {
        var bytes = Encoding.ASCII.GetBytes(state.Reveal());
        return new SignInProof(
            Base64Url.EncodeToString(ring.Mac("sign-in verifier", bytes)), Base64Url.EncodeToString(ring.Mac("sign-in nonce", bytes)));
    }

    public override string ToString() => "[secret]";
}
