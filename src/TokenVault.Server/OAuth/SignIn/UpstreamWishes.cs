using TokenVault.Server.Http;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.OAuth.SignIn;

/// <summary>What an authorization request says about connections.</summary>
internal sealed record UpstreamWishes
{
    private const int LongestValue = 2048;

    /// <summary>Of a request to us, these mean the same to a provider. Not <c>audience</c>, <c>resource</c> and <c>id_token_hint</c>: those are ours.</summary>
    private static readonly string[] Forwarded = ["acr_values", "display", "login_hint", "max_age", "prompt", "ui_locales"];

    /// <summary>The connection to sign in through; null for the user to choose.</summary>
    public string? Connection { get; init; }

    /// <summary>Scopes to ask of the provider besides those of the connection (<c>connection_scope</c>).</summary>
    public IReadOnlyList<string> Scopes { get; init; } = [];

    /// <summary>The connection to link or unlink (<c>requested_connection</c>).</summary>
    public string? LinkConnection { get; init; }

    public IReadOnlyList<string> LinkScopes { get; init; } = [];

    public IReadOnlyDictionary<string, string> Parameters { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    public static Outcome<UpstreamWishes> Read(RequestParameters parameters)
    {
        // Auth0 documents commas; SDKs hand on what they were given.
        var scopes = Scope.ParseLenient(parameters["connection_scope"]);
        var linkScopes = Scope.ParseLenient(parameters["requested_connection_scope"]);
        if (scopes.Count + linkScopes.Count > 100 || scopes.Concat(linkScopes).Any(scope => !Scope.IsToken(scope)))
        {
            return OAuthError.InvalidScope("connection_scope is not a list of scope tokens.");
        }

        return new UpstreamWishes
        {
            Connection = parameters["connection"],
            Scopes = scopes,
            LinkConnection = parameters["requested_connection"],
            LinkScopes = linkScopes,
            Parameters = Forwarded
                .Where(name => parameters[name] is { Length: <= LongestValue } value && !value.Any(char.IsControl))
                .ToDictionary(name => name, name => parameters[name]!, StringComparer.Ordinal),
        };
    }
}
