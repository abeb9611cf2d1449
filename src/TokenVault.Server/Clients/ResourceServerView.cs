using System.Text.Json.Nodes;
using TokenVault.Server.Http;

namespace TokenVault.Server.Clients;

/// <summary>An API on the wire.</summary>
internal static class ResourceServerView
{
    public static JsonObject Of(ResourceServer api) => new JsonObject
    {
        ["id"] = api.Id,
        ["name"] = api.Name,
        ["identifier"] = api.Identifier,
        ["is_system"] = api.IsSystem,
        ["scopes"] = WireJson.Array(api.Scopes.Select(scope => new JsonObject { ["value"] = scope.Value }.With("description", scope.Description))),
        ["signing_alg"] = api.SigningAlg,
        ["allow_offline_access"] = api.AllowOfflineAccess,
        ["token_lifetime"] = api.TokenLifetime,
        ["token_lifetime_for_web"] = api.TokenLifetimeForWeb,
        ["skip_consent_for_verifiable_first_party_clients"] = api.SkipConsentForVerifiableFirstPartyClients,
        ["enforce_policies"] = false,
        ["token_dialect"] = api.TokenDialect,
        ["subject_type_authorization"] = new JsonObject
        {
            ["user"] = new JsonObject { ["policy"] = api.SubjectTypeAuthorization.User.Policy },
            ["client"] = new JsonObject { ["policy"] = api.SubjectTypeAuthorization.Client.Policy },
        },
    }.With("proof_of_possession", api.ProofOfPossession is { } proof ? Proof(proof) : null);

    private static JsonObject Proof(ProofOfPossession proof) => new()
    {
        ["mechanism"] = proof.Mechanism,
        ["required"] = proof.Required,
        ["required_for"] = proof.RequiredFor,
    };
}
