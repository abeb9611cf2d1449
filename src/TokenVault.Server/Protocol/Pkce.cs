using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace TokenVault.Server.Protocol;

/// <summary>Proof Key for Code Exchange (RFC 7636), method S256 only.</summary>
internal static class Pkce
{
    private const int ChallengeLength = 43;

    public static string Challenge(string verifier) => Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(verifier)));

    /// <summary>43 base64url characters: a SHA-256.</summary>
    public static bool IsChallenge(string challenge) => challenge.Length == ChallengeLength && challenge.All(IsBase64Url);

    /// <summary>RFC 7636 §4.1: 43 to 128 unreserved characters.</summary>
    public static bool IsVerifier(string verifier) =>
        verifier.Length is >= ChallengeLength and <= 128 && verifier.All(c => IsBase64Url(c) || c is '.' or '~');

    public static bool Matches(string challenge, string verifier) =>
        IsVerifier(verifier)
        && CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(Challenge(verifier)), Encoding.ASCII.GetBytes(challenge));

    private static bool IsBase64Url(char c) => char.IsAsciiLetterOrDigit(c) || c is '-' or '_';
}
