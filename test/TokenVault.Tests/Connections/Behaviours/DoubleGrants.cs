using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using TokenVault.Server.Protocol;

namespace TokenVault.Tests.Connections.Behaviours;

/// <summary>The grants of a provider's double: what its rotation rule makes of codes and tokens.</summary>
internal sealed class DoubleGrants(RefreshRule rule)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, (Grant Grant, string RedirectUri, string? Challenge)> _codes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Grant> _refreshTokens = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Grant> _accessTokens = new(StringComparer.Ordinal);

    public int Refreshes { get; private set; }

    public int Upgrades { get; private set; }

    public string Approve(IReadOnlyList<string> scopes, string? nonce, string redirectUri, string? challenge)
    {
        lock (_gate)
        {
            var code = "code/" + Identifier.Secret();
            _codes[code] = (new Grant(scopes, nonce), redirectUri, challenge);
            return code;
        }
    }

    public (Grant Grant, string AccessToken, string? RefreshToken)? Redeem(string code, string redirectUri, string? verifier)
    {
        lock (_gate)
        {
            if (!_codes.Remove(code, out var approved) || approved.RedirectUri != redirectUri || Challenge(verifier) != approved.Challenge)
            {
                return null;
            }

            return Issue(approved.Grant, rotate: rule != RefreshRule.None);
        }
    }

    /// <summary>The long-lived token for a short-lived one, which it ends.</summary>
    public (Grant Grant, string AccessToken, string? RefreshToken)? Upgrade(string accessToken)
    {
        lock (_gate)
        {
            Upgrades++;
            return _accessTokens.Remove(accessToken, out var grant) ? Issue(grant, rotate: false) : null;
        }
    }

    public (Grant Grant, string AccessToken, string? RefreshToken)? Refresh(string token)
    {
        lock (_gate)
        {
            Refreshes++;
            if (!_refreshTokens.TryGetValue(token, out var grant) || grant.Dead)
            {
                return null;
            }

            if (rule == RefreshRule.Replay && token == grant.Former && grant.RefreshToken is { } unused)
            {
                return (grant, grant.AccessToken!, unused);
            }

            if (token != grant.RefreshToken && rule != RefreshRule.Overlap)
            {
                grant.Dead = rule == RefreshRule.FamilyRevoking;
                return null;
            }

            return Issue(grant, rotate: rule != RefreshRule.Stable);
        }
    }

    /// <summary>The grant of an access token that is valid now.</summary>
    public Grant? Find(string accessToken)
    {
        lock (_gate)
        {
            return _accessTokens.TryGetValue(accessToken, out var grant) && !grant.Dead ? grant : null;
        }
    }

    public void ExpireAccessTokens()
    {
        lock (_gate)
        {
            _accessTokens.Clear();
        }
    }

    /// <summary>The person withdraws everything.</summary>
    public void Withdraw()
    {
        lock (_gate)
        {
            foreach (var grant in _refreshTokens.Values.Concat(_accessTokens.Values))
            {
                grant.Dead = true;
            }
        }
    }

    /// <summary>Ends the grant of a token that is valid now.</summary>
    /// <param name="kind"><c>refresh</c> or <c>access</c>.</param>
    public bool Revoke(string token, string kind)
    {
        lock (_gate)
        {
            var grant = (kind == "refresh" ? _refreshTokens : _accessTokens).GetValueOrDefault(token);
            if (grant is null or { Dead: true } || (kind == "refresh" && rule != RefreshRule.Overlap && token != grant.RefreshToken))
            {
                return false;
            }

            grant.Dead = true;
            return true;
        }
    }

    private (Grant, string, string?) Issue(Grant grant, bool rotate)
    {
        grant.AccessToken = "at." + Identifier.Secret();
        _accessTokens[grant.AccessToken] = grant;
        if (rotate)
        {
            grant.Former = grant.RefreshToken;
            grant.RefreshToken = "rt." + Identifier.Secret();
            _refreshTokens[grant.RefreshToken] = grant;
        }

        return (grant, grant.AccessToken, rotate ? grant.RefreshToken : null);
    }

    private static string? Challenge(string? verifier) =>
        verifier is null ? null : Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(verifier)));
}

/// <summary>What one person allowed.</summary>
internal sealed class Grant(IReadOnlyList<string> scopes, string? nonce)
{
    public IReadOnlyList<string> Scopes { get; } = scopes;

    public string? Nonce { get; } = nonce;

    public bool Dead { get; set; }

    public string? AccessToken { get; set; }

    public string? RefreshToken { get; set; }

    public string? Former { get; set; }
}
