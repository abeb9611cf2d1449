using System.Text.Json.Nodes;
using TokenVault.Server.Http;

namespace TokenVault.Server.Users.Factors;

/// <summary>One of a user's second factors, as administrators and applications see it: that it is there, nothing to use it with.</summary>
internal sealed record FactorView(string Id, string Type, DateTimeOffset CreatedAt, DateTimeOffset? LastUsedAt)
{
    private const string OneTimeCode = "totp";
    private const string RecoveryCode = "recovery-code";
    private const string Passkey = "passkey";

    public static IReadOnlyList<FactorView> Of(UserFactors? factors)
    {
        if (factors is null)
        {
            return [];
        }

        List<FactorView> all = [.. factors.Passkeys.Select(passkey => new FactorView(passkey.Id, Passkey, passkey.CreatedAt, passkey.LastUsedAt))];
        if (factors.TotpId is { } totp)
        {
            all.Add(new FactorView(totp, OneTimeCode, factors.TotpCreatedAt ?? default, factors.TotpUsedAt));
        }

        if (factors.RecoveryId is { } recovery)
        {
            all.Add(new FactorView(recovery, RecoveryCode, factors.RecoveryCreatedAt ?? default, LastUsedAt: null));
        }

        return all;
    }

    /// <summary>As the Management API shows it.</summary>
    public JsonObject Managed() => new JsonObject
    {
        ["id"] = Id,
        ["type"] = Type,
        ["confirmed"] = true,
        ["created_at"] = WireJson.Date(CreatedAt),
    }.With("last_auth_at", LastUsedAt is { } at ? WireJson.Date(at) : null);

    /// <summary>What the SDKs of applications call it.</summary>
    public string AuthenticatorType => Type switch { OneTimeCode => "otp", Passkey => "webauthn-platform", _ => Type };
}
