using System.Security.Cryptography;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Users.Factors;

/// <summary>
/// Codes for users whose second factor is lost: ten, shown once, each good once. They have 80 random bits, so that no hash of them can be
/// turned back, and are kept under the server's key all the same.
/// </summary>
internal sealed class RecoveryCodes(KeyRing ring, TimeProvider time)
{
    private const int Count = 10;
    private const int Length = 16;

    /// <summary>Without letters that are taken for digits.</summary>
    private const string Alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

    /// <summary>New codes instead of any there were.</summary>
    public (UserFactors Factors, IReadOnlyList<string> Codes) Renew(UserFactors factors)
    {
        List<string> codes = [.. Enumerable.Range(0, Count).Select(_ => RandomNumberGenerator.GetString(Alphabet, Length))];
        var renewed = factors with
        {
            RecoveryId = Identifier.Factor("recovery-code"),
            RecoveryHashes = [.. codes.Select(code => Hash(factors.UserId, code))],
            RecoveryCreatedAt = time.GetUtcNow(),
        };
        return (renewed, [.. codes.Select(code => string.Join('-', code.Chunk(4).Select(part => new string(part))))]);
    }

    /// <summary>The factors without the code; null when it is none of theirs.</summary>
    public UserFactors? Use(UserFactors factors, string? entered)
    {
        var code = string.Concat((entered ?? "").Where(char.IsLetterOrDigit)).ToUpperInvariant();
        var hash = code.Length == Length ? Hash(factors.UserId, code) : "";
        return factors.RecoveryHashes.Contains(hash, StringComparer.Ordinal)
            ? factors with { RecoveryHashes = [.. factors.RecoveryHashes.Where(other => other != hash)], Failures = 0, FailedAt = null }
            : null;
    }

    private string Hash(string userId, string code) => ring.HashSecret($"recovery code of {userId}: {code}");
}
