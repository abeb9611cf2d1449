using TokenVault.Server.Exchange;
using TokenVault.Server.Http;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.OAuth.TokenExchange;

/// <summary>A request to trade a token for one of ours (RFC 8693 §2.1).</summary>
/// <param name="Audience">The one API that the new token is for, be it named as <c>audience</c> or as <c>resource</c>.</param>
internal sealed record DelegationRequest(Secret SubjectToken, string SubjectTokenType, string Audience, string IssuedTokenType)
{
    private const int LongestAudience = 600;

    /// <summary>Null: nobody but the client itself acts.</summary>
    public Secret? ActorToken { get; init; }

    public string? ActorTokenType { get; init; }

    /// <summary>See <see cref="ExchangeRequest.SubjectTokenProof"/>.</summary>
    public Secret? SubjectProof { get; init; }

    /// <summary>None: as much as can be had.</summary>
    public IReadOnlyList<string> Scopes { get; init; } = [];

    /// <summary>A token of somebody else's, of a type that a profile is there for.</summary>
    public bool IsCustom => !IsOurs(SubjectTokenType);

    public static Outcome<DelegationRequest> Parse(RequestParameters parameters)
    {
        if (TypesProblem(parameters) is { } problem)
        {
            return OAuthError.InvalidRequest(problem);
        }

        var target = Target(parameters);
        if (target.Failed(out var noTarget))
        {
            return noTarget;
        }

        var scopes = Scope.Parse(parameters["scope"]);
        if (scopes.Count > 100 || scopes.Any(scope => !Scope.IsToken(scope)))
        {
            return OAuthError.InvalidScope("scope is not a list of scope tokens.");
        }

        return new DelegationRequest(
            new Secret(parameters["subject_token"]!), parameters["subject_token_type"]!, target.Value, parameters["requested_token_type"] ?? Wire.AccessTokenType)
        {
            ActorToken = parameters["actor_token"] is { } actor ? new Secret(actor) : null,
            ActorTokenType = parameters["actor_token_type"],
            SubjectProof = parameters[ExchangeRequest.SubjectTokenProof] is { } proof ? new Secret(proof) : null,
            Scopes = scopes,
        };
    }

    private static bool IsOurs(string type) => type is Wire.AccessTokenType or Wire.IdTokenType or Wire.JwtType;

    private static string? TypesProblem(RequestParameters parameters)
    {
        if (parameters["subject_token"] is null)
        {
            return "subject_token is missing.";
        }

        if (parameters["subject_token_type"] is not { } type)
        {
            return "subject_token_type is missing.";
        }

        // Names that belong to somebody else are no profile's.
        if (!IsOurs(type) && type.StartsWith("urn:ietf:", StringComparison.OrdinalIgnoreCase))
        {
            return $"subject_token_type must be {Wire.AccessTokenType}, {Wire.IdTokenType}, {Wire.JwtType}, or the type of a token exchange profile.";
        }

        var (actor, actorType) = (parameters["actor_token"], parameters["actor_token_type"]);
        if (actor is null != actorType is null)
        {
            return "actor_token and actor_token_type come together.";
        }

        if (actorType is not null && IsOurs(type) && !IsOurs(actorType))
        {
            return $"actor_token_type must be {Wire.AccessTokenType}, {Wire.IdTokenType} or {Wire.JwtType}.";
        }

        return parameters["requested_token_type"] is null or Wire.AccessTokenType or Wire.JwtType
            ? null
            : $"requested_token_type must be {Wire.AccessTokenType} or {Wire.JwtType}.";
    }

    /// <summary>RFC 8707 §2: an absolute URI without a fragment. A token of ours is for one API.</summary>
    private static Outcome<string> Target(RequestParameters parameters)
    {
        var (audience, resource) = (parameters["audience"], parameters["resource"]);
        if (resource is not null && (!Uri.TryCreate(resource, UriKind.Absolute, out var uri) || uri.Fragment.Length > 0 || resource.EndsWith('#')))
        {
            return OAuthError.InvalidTarget("resource is no absolute URI without a fragment.");
        }

        if (audience is not null && resource is not null && audience != resource)
        {
            return OAuthError.InvalidTarget("A token is for one API: audience and resource name two.");
        }

        return (audience ?? resource) switch
        {
            null => OAuthError.InvalidRequest("audience is missing."),
            { Length: > LongestAudience } => OAuthError.InvalidTarget("There is no API with this identifier."),
            var target => target,
        };
    }
}
