using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Demo;

/// <summary>
/// The state behind the sandbox provider: codes, grants and generations of tokens, under one lock. What a method returned is decided,
/// whether the answer reaches the client or not, exactly as with a real provider.
/// </summary>
internal sealed class SandboxEngine(SandboxOptions options, TimeProvider time)
{
    private static readonly TimeSpan CodeLifetime = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, SandboxCode> _codes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, SandboxGrant> _refreshTokens = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (SandboxGrant Grant, DateTimeOffset ExpiresAt)> _accessTokens = new(StringComparer.Ordinal);
    private readonly Dictionary<string, DateTimeOffset> _usedRefreshTokens = new(StringComparer.Ordinal);
    private readonly Dictionary<string, SandboxCommit> _commitsByAccessToken = new(StringComparer.Ordinal);
    private readonly List<SandboxCommit> _commits = [];

    public IReadOnlyList<SandboxCommit> Commits
    {
        get
        {
            lock (_gate)
            {
                return [.. _commits];
            }
        }
    }

    public string Authorize(string? loginHint, string redirectUri, IReadOnlyList<string> scopes, string? challenge, string? nonce)
    {
        var person = options.People.FirstOrDefault(p => p.Subject == loginHint || p.Email == loginHint) ?? options.People[0];
        var code = "code_" + Identifier.Secret();
        lock (_gate)
        {
            _codes[code] = new SandboxCode(person, redirectUri, scopes, challenge, nonce, time.GetUtcNow() + CodeLifetime);
            return code;
        }
    }

    /// <summary>Tokens for a code; null when the code, its redirect URI or its verifier is not valid. A code works once.</summary>
    public SandboxTokens? Redeem(string code, string redirectUri, string? verifier)
    {
        lock (_gate)
        {
            if (!_codes.Remove(code, out var approved)
                || approved.ExpiresAt <= time.GetUtcNow()
                || approved.RedirectUri != redirectUri
                || !Proves(verifier, approved.Challenge))
            {
                return null;
            }

            return Issue(new SandboxGrant("grant_" + Identifier.Secret(), approved.Person, approved.Scopes, approved.Nonce), rotate: true, approved.Scopes);
        }
    }

    /// <summary>Tokens for a refresh token; null when it is not, or no longer, valid.</summary>
    /// <param name="asked">The scopes that the request names; none: all.</param>
    public SandboxTokens? Refresh(string refreshToken, IReadOnlyList<string>? asked = null)
    {
        lock (_gate)
        {
            if (!_refreshTokens.TryGetValue(refreshToken, out var grant) || grant.Revoked)
            {
                return null;
            }

            if (!Takes(grant, refreshToken))
            {
                grant.Revoked = options.Rotation == SandboxRotation.FamilyRevoking;
                return null;
            }

            if (options.Rotation == SandboxRotation.Replay && grant.RefreshToken != refreshToken)
            {
                return new SandboxTokens(grant, grant.AccessToken!, grant.RefreshToken, options.AccessTokenLifetime, grant.Scopes);
            }

            _usedRefreshTokens.TryAdd(refreshToken, time.GetUtcNow());
            var scopes = options.Downscopes && asked is { Count: > 0 } ? [.. grant.Scopes.Intersect(asked, StringComparer.Ordinal)] : grant.Scopes;
            return Issue(grant, rotate: options.Rotation != SandboxRotation.Stable, scopes);
        }
    }

    /// <summary>Whether a refresh with this token would succeed now.</summary>
    public bool Honours(string refreshToken)
    {
        lock (_gate)
        {
            return _refreshTokens.TryGetValue(refreshToken, out var grant) && !grant.Revoked && Takes(grant, refreshToken);
        }
    }

    /// <summary>The grant that a refresh token was issued for, be it live or not.</summary>
    public string? GrantOf(string refreshToken)
    {
        lock (_gate)
        {
            return _refreshTokens.GetValueOrDefault(refreshToken)?.Id;
        }
    }

    /// <summary>The issue that an access token came from.</summary>
    public SandboxCommit? CommitOf(string accessToken)
    {
        lock (_gate)
        {
            return _commitsByAccessToken.GetValueOrDefault(accessToken);
        }
    }

    /// <summary>RFC 7009 §2.1: with a refresh token the whole grant goes, with an access token that token.</summary>
    public void Revoke(string token)
    {
        lock (_gate)
        {
            _accessTokens.Remove(token);
            if (_refreshTokens.TryGetValue(token, out var grant))
            {
                grant.Revoked = true;
            }
        }
    }

    /// <summary>The grant of a live access token.</summary>
    public SandboxGrant? Find(string accessToken)
    {
        lock (_gate)
        {
            var live = _accessTokens.TryGetValue(accessToken, out var held) && held.ExpiresAt > time.GetUtcNow() && !held.Grant.Revoked;
            return live ? held.Grant : null;
        }
    }

    /// <summary>Every access token issued so far is no longer valid; what the client was told of its lifetime stands.</summary>
    public void ExpireAccessTokens()
    {
        lock (_gate)
        {
            _accessTokens.Clear();
        }
    }

    /// <summary>The person withdraws what they allowed.</summary>
    public void RevokeGrants(string subject)
    {
        lock (_gate)
        {
            foreach (var grant in _refreshTokens.Values.Where(g => g.Person.Subject == subject))
            {
                grant.Revoked = true;
            }
        }
    }

    private bool Takes(SandboxGrant grant, string refreshToken) => options.Rotation switch
    {
        SandboxRotation.Overlap => !_usedRefreshTokens.TryGetValue(refreshToken, out var used) || time.GetUtcNow() <= used + options.OverlapWindow,
        SandboxRotation.Replay => refreshToken == grant.RefreshToken || refreshToken == grant.FormerRefreshToken,
        _ => refreshToken == grant.RefreshToken,
    };

    private SandboxTokens Issue(SandboxGrant grant, bool rotate, IReadOnlyList<string> scopes)
    {
        var accessToken = "sbx_at_" + Identifier.Secret();
        grant.AccessToken = accessToken;
        if (rotate)
        {
            grant.FormerRefreshToken = grant.RefreshToken;
            grant.RefreshToken = "sbx_rt_" + Identifier.Secret();
            _refreshTokens[grant.RefreshToken] = grant;
        }

        grant.Generation++;
        var now = time.GetUtcNow();
        _accessTokens[accessToken] = (grant, now + options.AccessTokenLifetime);
        var commit = new SandboxCommit(grant.Id, grant.Person.Subject, grant.Generation, grant.RefreshToken, accessToken, now) { Scopes = scopes };
        _commitsByAccessToken[accessToken] = commit;
        _commits.Add(commit);
        return new SandboxTokens(grant, accessToken, rotate ? grant.RefreshToken : null, options.AccessTokenLifetime, scopes);
    }

    /// <summary>RFC 7636 §4.6: both a challenge and its verifier, or neither.</summary>
    private static bool Proves(string? verifier, string? challenge) =>
        (verifier, challenge) switch
        {
            (null, null) => true,
            ({ } shown, { } asked) => Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(shown))) == asked,
            _ => false,
        };
}
