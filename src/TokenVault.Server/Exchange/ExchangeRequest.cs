using TokenVault.Server.Http;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Exchange;

/// <summary>A request to trade a token of ours for a provider's (RFC 8693 §2.1, in Token Vault's terms).</summary>
internal sealed record ExchangeRequest(Secret SubjectToken, string SubjectTokenType, string IssuedTokenType, string Connection)
{
    private const int LongestConnection = 128;
    private const int LongestHint = 512;

    /// <summary>An extension: the DPoP proof that an API was called with, when the access token that it exchanges is bound to a key.</summary>
    public const string SubjectTokenProof = "subject_token_proof";

    /// <summary>By a privileged worker, for a user who is not present.</summary>
    public bool IsPrivileged => SubjectTokenType == Wire.JwtType;

    public bool AsksForRefreshToken => IssuedTokenType is Wire.FederatedRefreshTokenType or Wire.VaultRefreshTokenType;

    /// <summary>The keys that the caller has proved to hold.</summary>
    public Confirmation Proven { get; init; } = Confirmation.None;

    /// <summary>See <see cref="SubjectTokenProof"/>.</summary>
    public Secret? SubjectProof { get; init; }

    /// <summary>Which of several accounts at the connection: the user's id there.</summary>
    public string? LoginHint { get; init; }

    /// <summary>Scopes the answer must have; none asked: whatever was granted.</summary>
    public IReadOnlyList<string> Scopes { get; init; } = [];

    /// <summary>Who is the subject, where this server's own API was called with the token and has verified it.</summary>
    public AccessToken? Admitted { get; private init; }

    /// <summary>For a token that this server itself uses for its caller.</summary>
    public static ExchangeRequest For(AccessToken caller, string connection, IReadOnlyList<string> scopes, string? loginHint) =>
        new(new Secret(""), Wire.AccessTokenType, Wire.FederatedAccessTokenType, connection) { Admitted = caller, Scopes = scopes, LoginHint = loginHint };

    public static Outcome<ExchangeRequest> Parse(RequestParameters parameters, Confirmation proven)
    {
        if (parameters["subject_token"] is not { } subjectToken)
        {
            return OAuthError.InvalidRequest("subject_token is missing.");
        }

        if (parameters["subject_token_type"] is not (Wire.RefreshTokenType or Wire.AccessTokenType or Wire.JwtType))
        {
            return OAuthError.InvalidRequest($"subject_token_type must be {Wire.RefreshTokenType}, {Wire.AccessTokenType} or {Wire.JwtType}.");
        }

        var requested = parameters["requested_token_type"] ?? Wire.FederatedAccessTokenType;
        var isRefresh = requested is Wire.FederatedRefreshTokenType or Wire.VaultRefreshTokenType;
        if (requested is not (Wire.FederatedAccessTokenType or Wire.VaultAccessTokenType) && !(isRefresh && parameters["subject_token_type"] == Wire.JwtType))
        {
            return OAuthError.InvalidRequest($"requested_token_type must be {Wire.FederatedAccessTokenType}.");
        }

        if (parameters["connection"] is not { Length: <= LongestConnection } connection)
        {
            return OAuthError.InvalidRequest("connection is missing or too long.");
        }

        var scopes = Scope.Parse(parameters["scope"]);
        if (scopes.Count > 100 || scopes.Any(scope => !Scope.IsToken(scope)))
        {
            return OAuthError.InvalidScope("scope is not a list of scope tokens.");
        }

        if (parameters["login_hint"] is { Length: > LongestHint })
        {
            return OAuthError.InvalidRequest("login_hint is too long.");
        }

        return new ExchangeRequest(new Secret(subjectToken), parameters["subject_token_type"]!, requested, connection)
        {
            Proven = proven,
            SubjectProof = parameters[SubjectTokenProof] is { } proof ? new Secret(proof) : null,
            LoginHint = parameters["login_hint"],
            Scopes = scopes,
        };
    }
}
