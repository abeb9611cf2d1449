using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Clients;

/// <summary>What a client gets at an API: the audience, the scopes, and how the access token is made.</summary>
/// <param name="Api">Null when only OpenID Connect was asked for.</param>
internal sealed record ApiAccess(string Audience, IReadOnlyList<string> Scopes, ResourceServer? Api)
{
    private static readonly TimeSpan UserinfoLifetime = TimeSpan.FromHours(24);

    public AccessTokenClaims Claims(string clientId, string? userId) =>
        new(clientId, Audience, Scopes, Api is null ? UserinfoLifetime : TimeSpan.FromSeconds(Api.TokenLifetime))
        {
            UserId = userId,
            Alg = Api?.SigningAlg ?? "RS256",
            Rfc9068 = Api?.TokenDialect == "rfc9068_profile",
            BoundTo = BoundTo,
            AuthorizationDetails = AuthorizationDetails,
        };

    /// <summary>What the user approved besides scopes, as JSON; null for nothing.</summary>
    public string? AuthorizationDetails { get; init; }

    /// <summary>The keys without which the access token is good for nothing.</summary>
    public Confirmation BoundTo { get; private init; } = Confirmation.None;

    /// <summary>
    /// Binds the token to the keys that its client has proved. A DPoP proof asks for it (RFC 9449 §5); a certificate may be there for the
    /// client's authentication alone, and counts where the API or the client is set to it (RFC 8705 §3).
    /// </summary>
    public Outcome<ApiAccess> Bind(Client client, Confirmation proven)
    {
        var policy = Api?.ProofOfPossession;
        var byCertificate = policy?.Mechanism == ProofOfPossession.Mtls || client.RequireProofOfPossession;
        var boundTo = proven with { CertificateThumbprint = byCertificate ? proven.CertificateThumbprint : null };
        if (policy?.IsRequiredOf(client) == true)
        {
            var (missing, what) = policy.Mechanism == ProofOfPossession.Mtls
                ? (boundTo.CertificateThumbprint is null, "a client certificate")
                : (boundTo.KeyThumbprint is null, "a DPoP proof");
            if (missing)
            {
                return OAuthError.InvalidRequest($"The API demands that its tokens are bound to a key: send {what}.");
            }
        }

        return client.RequireProofOfPossession && boundTo.IsNone
            ? OAuthError.InvalidRequest("The client's tokens must be bound to a key: send a DPoP proof or a client certificate.")
            : this with { BoundTo = boundTo };
    }
}

/// <summary>
/// Decides which scopes of an API a client may have, from the API's policy and the client's grants. Asked anew each time a
/// token is issued, so that a withdrawn grant ends with the access tokens already out (T-ST-11).
/// </summary>
internal sealed class ApiAccessPolicy(RecordCache cache, AccessTokens tokens)
{
    private static readonly string[] OpenIdScopes = [Wire.OpenId, "profile", "email", Wire.OfflineAccess];

    public static bool IsOpenIdScope(string scope) => OpenIdScopes.Contains(scope, StringComparer.Ordinal);

    /// <summary>A user acts through the client. Scopes that are not to be had are left out, as the SDKs expect.</summary>
    public async ValueTask<Outcome<ApiAccess>> ForUserAsync(
        Client client, string? audience, IReadOnlyList<string> requested, CancellationToken cancellationToken)
    {
        if (audience is null || audience == tokens.UserinfoAudience)
        {
            return new ApiAccess(tokens.UserinfoAudience, OpenIdScopesFor(client, api: null, requested), Api: null);
        }

        if (await cache.FindByKeyAsync<ResourceServer>("identifier", audience, cancellationToken) is not { } api)
        {
            return OAuthError.AccessDenied($"Service not found: {OAuthError.Shown(audience)}");
        }

        var allowed = await AllowedAsync(client, api, "user", api.SubjectTypeAuthorization.User.Policy, cancellationToken);
        if (allowed.Failed(out var error))
        {
            return error;
        }

        if (requested.Count == 0)
        {
            return new ApiAccess(audience, [], api);
        }

        var openId = OpenIdScopesFor(client, api, requested);
        var scopes = Scopes(api, allowed.Value);
        return new ApiAccess(audience, [.. requested.Where(scope => IsOpenIdScope(scope) ? openId.Contains(scope) : scopes.Contains(scope))], api);
    }

    /// <summary>Whether the client's users are not asked for their consent to this API.</summary>
    public async ValueTask<bool> AsksNoConsentAsync(Client client, string audience, CancellationToken cancellationToken) =>
        client.IsFirstParty
        && await cache.FindByKeyAsync<ResourceServer>("identifier", audience, cancellationToken) is { SkipConsentForVerifiableFirstPartyClients: true };

    /// <summary>The scopes that an operator has granted to the client for users of this API in so many words.</summary>
    public async ValueTask<IReadOnlyList<string>> GrantedByOperatorAsync(Client client, string audience, CancellationToken cancellationToken) =>
        (await cache.FindByKeyAsync<ClientGrant>("target", ClientGrant.KeyFor(client.ClientId, audience, "user"), cancellationToken))?.Scope ?? [];

    /// <summary>The client acts for itself. Without a request, it gets all that it was granted.</summary>
    public async ValueTask<Outcome<ApiAccess>> ForClientAsync(
        Client client, string audience, IReadOnlyList<string> requested, CancellationToken cancellationToken)
    {
        if (await cache.FindByKeyAsync<ResourceServer>("identifier", audience, cancellationToken) is not { } api)
        {
            return OAuthError.AccessDenied($"Service not found: {OAuthError.Shown(audience)}");
        }

        var allowed = await AllowedAsync(client, api, "client", api.SubjectTypeAuthorization.Client.Policy, cancellationToken);
        if (allowed.Failed(out var error))
        {
            return error;
        }

        var scopes = Scopes(api, allowed.Value);
        return new ApiAccess(audience, [.. requested.Count == 0 ? scopes : scopes.Where(s => requested.Contains(s))], api);
    }

    /// <summary>See <see cref="Http.CallerStanding"/>: for an API that clients call for themselves.</summary>
    public async ValueTask<IReadOnlyList<string>?> StandingAsync(AccessToken caller, string audience, CancellationToken cancellationToken)
    {
        if (caller.UserId is not null || await cache.FindAsync<Client>(caller.ClientId, cancellationToken) is not { } client)
        {
            return null;
        }

        var access = await ForClientAsync(client, audience, caller.Scopes, cancellationToken);
        return access.Failed(out _) ? [] : [.. access.Value.Scopes.Intersect(caller.Scopes, StringComparer.Ordinal)];
    }

    /// <summary>Of those that the API defines; in its order, or the grant's.</summary>
    private static HashSet<string> Scopes(ResourceServer api, Allowance allowance)
    {
        var defined = api.Scopes.Select(scope => scope.Value).ToHashSet(StringComparer.Ordinal);
        return allowance.Grant is { } grant ? grant.Scope.Where(defined.Contains).ToHashSet(StringComparer.Ordinal) : defined;
    }

    private async ValueTask<Outcome<Allowance>> AllowedAsync(
        Client client, ResourceServer api, string subjectType, string policy, CancellationToken cancellationToken)
    {
        switch (policy)
        {
            case "allow_all":
                return new Allowance(Grant: null);
            case "require_client_grant":
                var key = ClientGrant.KeyFor(client.ClientId, api.Identifier, subjectType);
                var grant = await cache.FindByKeyAsync<ClientGrant>("target", key, cancellationToken);
                if (grant is not null)
                {
                    return new Allowance(grant);
                }

                break;
        }

        return OAuthError.AccessDenied($"Client \"{client.ClientId}\" is not authorized to access resource server \"{api.Identifier}\".");
    }

    /// <param name="Grant">What limits it; null where the API lets every client have all its scopes.</param>
    private sealed record Allowance(ClientGrant? Grant);

    private static List<string> OpenIdScopesFor(Client client, ResourceServer? api, IReadOnlyList<string> requested)
    {
        var offline = client.MayUse(Wire.RefreshToken) && (api is null || api.AllowOfflineAccess);
        return [.. requested.Where(scope => IsOpenIdScope(scope) && (scope != Wire.OfflineAccess || offline))];
    }
}
