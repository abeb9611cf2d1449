using System.Buffers.Text;
using System.Globalization;
using System.Text;
using TokenVault.Server.Clients;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Users.Factors;

namespace TokenVault.Server.OAuth;

/// <summary>
/// Grants that the policy of a second factor forbids, and the <c>mfa_token</c> that says so. It opens no grant: a second factor is proved
/// on this server's pages, to which the application sends the user with <c>acr_values</c>.
/// </summary>
internal sealed class MultiFactorTokens(IStorage storage, MultiFactorPolicy policy, KeyRing ring, TimeProvider time)
{
    private const int LongestToken = 2048;

    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(10);

    /// <summary>A refresh token from before the policy, of a session without a second factor.</summary>
    public async ValueTask<OAuthError?> RefusalAsync(RefreshToken token, CancellationToken cancellationToken)
    {
        return await policy.DemandsMoreAsync(token.Methods, cancellationToken) ? await DemandAsync(token.UserId, cancellationToken) : null;
    }

    public async ValueTask<OAuthError> DemandAsync(string userId, CancellationToken cancellationToken)
    {
        var factors = await FactorsAsync(userId, cancellationToken);
        return new OAuthError(401, "mfa_required", "Multifactor authentication required")
        {
            MultiFactor = new MultiFactorDemand(Seal(userId), [.. factors.Select(factor => factor.AuthenticatorType).Distinct(StringComparer.Ordinal)]),
        };
    }

    /// <summary>The factors of the user whom the token names; null when it is none of ours, or too old.</summary>
    public async ValueTask<IReadOnlyList<FactorView>?> FactorsOfAsync(string token, CancellationToken cancellationToken) =>
        Open(token) is { } userId ? await FactorsAsync(userId, cancellationToken) : null;

    private async ValueTask<IReadOnlyList<FactorView>> FactorsAsync(string userId, CancellationToken cancellationToken) =>
        FactorView.Of(await storage.FindAsync<UserFactors>(userId, cancellationToken));

    private Secret Seal(string userId)
    {
        var until = (time.GetUtcNow() + Lifetime).ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        return new Secret(Base64Url.EncodeToString(ring.Seal(Encoding.UTF8.GetBytes($"{until} {userId}"), Identity())));
    }

    private string? Open(string token)
    {
        if (token.Length > LongestToken)
        {
            return null;
        }

        try
        {
            var text = Encoding.UTF8.GetString(ring.OpenForeign(Base64Url.DecodeFromChars(token), Identity()));
            var (until, userId) = (text[..text.IndexOf(' ')], text[(text.IndexOf(' ') + 1)..]);
            return long.Parse(until, CultureInfo.InvariantCulture) > time.GetUtcNow().ToUnixTimeSeconds() ? userId : null;
        }
        catch (Exception e) when (e is FormatException or BrokenSealException)
        {
            return null;
        }
    }

    private static byte[] Identity() => Aad.For("mfa-token", "user");
}
