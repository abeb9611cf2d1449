using TokenVault.Server.Audit;
using TokenVault.Server.Clients;
using TokenVault.Server.Http;
using TokenVault.Server.Keys;
using TokenVault.Server.OAuth.TokenExchange;
using TokenVault.Server.Protocol;
using TokenVault.Server.Users;

namespace TokenVault.Server.OAuth;

/// <summary>Makes the tokens of a grant once it is decided what they may say.</summary>
internal sealed class TokenIssuer(AccessTokens accessTokens, IdTokens idTokens)
{
    public TokenResponse ForUser(Client client, User user, ApiAccess access, IdTokenContext about, Secret? refreshToken)
    {
        var claims = access.Claims(client.ClientId, user.UserId) with { Methods = about.Methods };
        return new TokenResponse(accessTokens.Issue(claims), (long)claims.Lifetime.TotalSeconds)
        {
            TokenType = TypeOf(access),
            Scope = Granted(access),
            RefreshToken = refreshToken,
            AuthorizationDetails = access.AuthorizationDetails,
            IdToken = access.Scopes.Contains(Wire.OpenId) ? idTokens.Issue(client, user, access.Scopes, about) : null,
        };
    }

    public TokenResponse ForClient(Client client, ApiAccess access)
    {
        var claims = access.Claims(client.ClientId, userId: null);
        return new TokenResponse(accessTokens.Issue(claims), (long)claims.Lifetime.TotalSeconds) { TokenType = TypeOf(access), Scope = Granted(access) };
    }

    /// <summary>RFC 8693 §2.2.1: an access token and nothing else, and always its type.</summary>
    public TokenResponse ForExchange(Client client, ExchangedToken token)
    {
        var claims = token.Access.Claims(client.ClientId, token.UserId) with { Methods = token.Methods, Delegation = token.Delegation, Lifetime = token.Lifetime };
        return new TokenResponse(accessTokens.Issue(claims), (long)claims.Lifetime.TotalSeconds)
        {
            TokenType = TypeOf(token.Access),
            Scope = Granted(token.Access),
            IssuedTokenType = token.Type,
        };
    }

    /// <summary>RFC 9449 §5. A token that is bound to a certificate is still a bearer's by its name (RFC 8705 §3).</summary>
    private static string TypeOf(ApiAccess access) => access.BoundTo.KeyThumbprint is null ? "Bearer" : DpopProofs.Header;

    /// <summary>An empty string is no scope (RFC 6749 §3.3).</summary>
    private static string? Granted(ApiAccess access) => access.Scopes.Count == 0 ? null : Scope.Format(access.Scopes);

    /// <summary>The log entry of a grant.</summary>
    public static AuditEvent Event(string type, Client client, RequestOrigin origin) =>
        new AuditEvent { Type = type, ClientId = client.ClientId, ClientName = client.Name }.From(origin);
}
