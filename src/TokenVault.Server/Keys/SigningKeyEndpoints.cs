using System.Text.Json.Nodes;
using TokenVault.Server.Http;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Keys;

/// <summary><c>/api/v2/keys/signing</c>: the keys that tokens are signed with. Their public halves only.</summary>
internal sealed class SigningKeyEndpoints(ManagementRecords records, SigningKeys keys)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapManagement("GET", "/keys/signing", "read:signing_keys", ListAsync).Describe(SigningKeyDocs.List);
        routes.MapManagement("GET", "/keys/signing/{kid}", "read:signing_keys", GetAsync).Describe(SigningKeyDocs.Get);
        routes.MapManagement("POST", "/keys/signing/rotate", new RequiredScope("create:signing_keys", "update:signing_keys"), RotateAsync).Describe(SigningKeyDocs.Rotate);
        routes.MapManagement("PUT", "/keys/signing/{kid}/revoke", "update:signing_keys", RevokeAsync).Describe(SigningKeyDocs.Revoke);
    }

    public static JsonObject View(SigningKey key, SigningCertificate? certificate)
    {
        var json = new JsonObject
        {
            ["kid"] = key.Id,
            ["alg"] = key.Alg,
            ["current"] = key.State == SigningKeyState.Current,
            ["next"] = key.State == SigningKeyState.Next,
            ["previous"] = key.State == SigningKeyState.Previous,
            ["revoked"] = key.State == SigningKeyState.Revoked,
        };
        return json
            .With("current_since", Date(key.CurrentSince))
            .With("current_until", Date(key.RetiredAt))
            .With("revoked_at", Date(key.RevokedAt))
            .With("cert", certificate?.Pem)
            .With("pkcs7", certificate?.Pkcs7)
            .With("fingerprint", certificate?.Fingerprint)
            .With("thumbprint", certificate?.Thumbprint);
    }

    private async Task<ManagementAnswer> ListAsync(ManagementRequest request)
    {
        var all = await records.Storage.ListAllAsync<SigningKey>(index: null, request.Cancellation);

        // As in the published key set: tools that know of one kind of key only find it first.
        var ordered = all
            .OrderByDescending(key => key.Alg, StringComparer.Ordinal)
            .ThenBy(key => key.State switch { SigningKeyState.Current => 0, SigningKeyState.Next => 1, SigningKeyState.Previous => 2, _ => 3 })
            .ThenByDescending(key => key.RetiredAt);
        return ManagementAnswer.Ok(WireJson.Array(ordered.Select(key => View(key, keys.CertificateOf(key)))));
    }

    private async Task<ManagementAnswer> GetAsync(ManagementRequest request) =>
        await FindAsync(request) is { } key ? ManagementAnswer.Ok(View(key, keys.CertificateOf(key))).Tagged(key.Version) : Missing;

    private static ManagementError Missing => ManagementError.Inexistent("signing_key");

    /// <summary>
    /// Keys of every algorithm move on together; the answer is the RS256 key that signs from now on. <c>If-Match</c> names the key that
    /// signed until now, so that of two administrators who saw the same key only one replaces it.
    /// </summary>
    private async Task<ManagementAnswer> RotateAsync(ManagementRequest request)
    {
        var former = await records.Storage.FindAsync<SigningKey>(keys.Current(SigningKeys.Algorithms[0]).Kid, request.Cancellation);
        if (!request.Expects(former?.Version ?? 0))
        {
            return ManagementError.PreconditionFailed;
        }

        foreach (var alg in SigningKeys.Algorithms)
        {
            await keys.RotateAsync(alg, request.Cancellation, records.Row(request, $"Rotate the {alg} signing key", 201, alg));
        }

        var kid = keys.Current(SigningKeys.Algorithms[0]).Kid;
        var key = await records.Storage.FindAsync<SigningKey>(kid, request.Cancellation);
        return ManagementAnswer.Created(new JsonObject { ["kid"] = kid }.With("cert", key is null ? null : keys.CertificateOf(key)?.Pem));
    }

    private async Task<ManagementAnswer> RevokeAsync(ManagementRequest request)
    {
        if (await FindAsync(request) is not { } key)
        {
            return Missing;
        }

        if (!request.Expects(key.Version))
        {
            return ManagementError.PreconditionFailed;
        }

        var certificate = keys.CertificateOf(key);
        if (!await keys.RevokeAsync(key.Id, request.Cancellation, records.Row(request, "Revoke a signing key", 200, key.Id)))
        {
            return ManagementError.NotAllowed("Only a previous key can be revoked: rotate first.");
        }

        return ManagementAnswer.Ok(new JsonObject { ["kid"] = key.Id }.With("cert", certificate?.Pem));
    }

    private static JsonNode? Date(DateTimeOffset? at) => at is { } known ? WireJson.Date(known) : null;

    private ValueTask<SigningKey?> FindAsync(ManagementRequest request) =>
        records.Storage.FindAsync<SigningKey>(request.Path("kid"), request.Cancellation);
}
