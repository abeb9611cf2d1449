using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Users.Factors;

/// <summary>Seals what is secret of a factor, under the identity of the user's row.</summary>
internal sealed class FactorSecrets(KeyRing ring, TokenVaultOptions options, TimeProvider time)
{
    /// <summary>What authenticator apps call this server.</summary>
    public string Issuer { get; } = new Uri(options.Issuer).Authority;

    /// <summary>With this authenticator app, instead of any there was.</summary>
    public UserFactors WithTotp(UserFactors factors, byte[] secret) => factors with
    {
        TotpId = Identifier.Factor("totp"),
        SealedTotpSecret = ring.Seal(secret, UserFactors.TotpAad(factors.UserId)),
        TotpCreatedAt = time.GetUtcNow(),
    };
}
