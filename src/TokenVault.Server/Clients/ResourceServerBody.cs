using TokenVault.Server.Http;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Clients;

/// <summary>What a body may say about an API, laid over the API there is.</summary>
internal static class ResourceServerBody
{
    private const int LongestLifetime = 2_592_000;

    public static ResourceServer Read(BodyReader body, ResourceServer current)
    {
        var isNew = current.Version == 0;
        IgnoreFixed(body);
        var lifetime = body.Number("token_lifetime", current.TokenLifetime, 86_400, 1, LongestLifetime);
        var api = current with
        {
            Name = body.RequiredText("name", current.Name, 200, NameProblem),
            Scopes = body.Objects("scopes", current.Scopes, 1000, ReadScope),
            SigningAlg = body.OneOf("signing_alg", current.SigningAlg, "RS256", "RS256", "ES256"),
            AllowOfflineAccess = body.Flag("allow_offline_access", current.AllowOfflineAccess, fallback: false),
            TokenLifetime = lifetime,
            TokenLifetimeForWeb = body.Number(
                "token_lifetime_for_web", Math.Min(current.TokenLifetimeForWeb, lifetime), Math.Min(7_200, lifetime), 1, LongestLifetime),
            SkipConsentForVerifiableFirstPartyClients = body.Flag(
                "skip_consent_for_verifiable_first_party_clients", current.SkipConsentForVerifiableFirstPartyClients, fallback: true),
            TokenDialect = body.OneOf("token_dialect", current.TokenDialect, "access_token", "access_token", "rfc9068_profile"),
            SubjectTypeAuthorization = body.Nested(
                "subject_type_authorization",
                current.SubjectTypeAuthorization,
                new SubjectTypeAuthorization(),
                nested => ReadPolicies(nested, current.SubjectTypeAuthorization)),
            ProofOfPossession = body.Nested("proof_of_possession", current.ProofOfPossession, fallback: null, ReadProof),
        };
        if (isNew)
        {
            api = api with { Identifier = body.RequiredText("identifier", "", 600, IdentifierProblem) };
        }

        return Checked(body, current, api);
    }

    private static ResourceServer Checked(BodyReader body, ResourceServer current, ResourceServer api)
    {
        if (api.TokenLifetimeForWeb > api.TokenLifetime)
        {
            body.Refuse("The lifetime for web is longer than the lifetime", "token_lifetime_for_web");
        }

        if (api.Scopes.DistinctBy(scope => scope.Value, StringComparer.Ordinal).Count() != api.Scopes.Count)
        {
            body.Refuse("Array items are not unique", "scopes");
        }

        if (!current.IsSystem)
        {
            return api;
        }

        if (api.Scopes.ExceptBy(current.Scopes.Select(scope => scope.Value), scope => scope.Value).Any())
        {
            body.Refuse("The scopes of a system API are the server's own", "scopes");
        }

        // A stolen administration token must not outlive the day (T-MG-11).
        if (api.TokenLifetime > 86_400)
        {
            body.Refuse("Tokens of a system API live for at most 86400 seconds", "token_lifetime");
        }

        // Or else whoever may change an API makes every user an administrator, be it by a null that resets.
        if (Opens(current.SubjectTypeAuthorization.User, api.SubjectTypeAuthorization.User)
            || Opens(current.SubjectTypeAuthorization.Client, api.SubjectTypeAuthorization.Client))
        {
            body.Refuse("Whom a system API is shut to, it stays shut to", "subject_type_authorization");
        }

        return api with { Name = current.Name, Scopes = current.Scopes };
    }

    private static bool Opens(SubjectTypePolicy current, SubjectTypePolicy wanted) => current.Policy == "deny_all" && wanted.Policy != "deny_all";

    private static ApiScope ReadScope(BodyReader body) => new()
    {
        Value = body.RequiredText("value", "", 255, value => Scope.IsToken(value) ? null : "Not a scope (RFC 6749 §3.3)"),
        Description = body.Text("description", current: null, 500),
    };

    /// <summary>One side at a time: a tool that sets the users' policy must not loosen the clients'.</summary>
    private static SubjectTypeAuthorization ReadPolicies(BodyReader body, SubjectTypeAuthorization current)
    {
        var defaults = new SubjectTypeAuthorization();
        return new SubjectTypeAuthorization
        {
            User = body.Nested("user", current.User, defaults.User, user => new SubjectTypePolicy
            {
                Policy = user.OneOf("policy", defaults.User.Policy, defaults.User.Policy, "allow_all", "deny_all", "require_client_grant"),
            }),
            Client = body.Nested("client", current.Client, defaults.Client, client => new SubjectTypePolicy
            {
                Policy = client.OneOf("policy", defaults.Client.Policy, defaults.Client.Policy, "deny_all", "require_client_grant"),
            }),
        };
    }

    private static ProofOfPossession ReadProof(BodyReader body)
    {
        if (!body.Has("mechanism") || !body.Has("required"))
        {
            body.Refuse("Missing required property: mechanism and required go together", "");
        }

        return new ProofOfPossession
        {
            Mechanism = body.OneOf("mechanism", ProofOfPossession.Dpop, ProofOfPossession.Dpop, ProofOfPossession.Mtls, ProofOfPossession.Dpop),
            Required = body.Flag("required", current: false, fallback: false),
            RequiredFor = body.OneOf(
                "required_for", ProofOfPossession.OfAllClients, ProofOfPossession.OfAllClients, ProofOfPossession.OfPublicClients, ProofOfPossession.OfAllClients),
        };
    }

    private static void IgnoreFixed(BodyReader body)
    {
        body.Fixed("enforce_policies", "false");
        body.Fixed("consent_policy", "null");
        body.Fixed("authorization_details", "null");
        body.Fixed("token_encryption", "null");
        body.Fixed("verification_location", "null");
        body.Fixed("authorization_policy", "null");
        body.Fixed("token_lifetime_for_anonymous_access_tokens", "null");
        body.Fixed("access_token", "null");
    }

    private static string? NameProblem(string name) => name.Contains('<') || name.Contains('>') ? "A name holds neither < nor >" : null;

    private static string? IdentifierProblem(string identifier) =>
        identifier.All(c => c is > ' ' and <= '~') ? null : "An identifier holds printable ASCII without spaces";
}
