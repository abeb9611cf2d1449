using TokenVault.Server.Clients;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.OAuth.Grants;

/// <summary>Which scopes a refresh token is good for at an audience: those granted there, and those of the client's policies.</summary>
internal sealed class MultiResourcePolicy(RecordCache cache, TokenVaultOptions options)
{
    public async ValueTask<Outcome<IReadOnlyList<string>>> CandidatesAsync(
        RefreshToken token, Client client, string? audience, CancellationToken cancellationToken)
    {
        var policies = client.RefreshToken.Policies.Where(p => p.Audience == audience).ToList();
        var applies = policies.Count > 0 && await MayGoFurtherAsync(client, audience, cancellationToken);
        var scopes = applies ? policies.SelectMany(p => p.Scope) : [];
        if (audience == token.Audience)
        {
            return Outcome.Of<IReadOnlyList<string>>([.. token.Scopes.Union(scopes, StringComparer.Ordinal)]);
        }

        if (!applies)
        {
            return Denied(audience);
        }

        var openId = token.Scopes.Where(ApiAccessPolicy.IsOpenIdScope);
        return Outcome.Of<IReadOnlyList<string>>([.. openId.Union(scopes, StringComparer.Ordinal)]);
    }

    /// <summary>A policy goes further than what the user saw: for clients and APIs that need no consent, and never to administration.</summary>
    private async ValueTask<bool> MayGoFurtherAsync(Client client, string? audience, CancellationToken cancellationToken) =>
        client.IsFirstParty
        && audience is not null
        && audience != options.Issuer + "api/v2/"
        && await cache.FindByKeyAsync<ResourceServer>("identifier", audience, cancellationToken) is { SkipConsentForVerifiableFirstPartyClients: true };

    private static OAuthError Denied(string? audience) =>
        OAuthError.AccessDenied($"The refresh token is not good for the audience {OAuthError.Shown(audience ?? "")}.");
}
