using System.Text.Json.Nodes;
using TokenVault.Server.Http;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Keys;

/// <summary>
/// <c>/api/v2/keys/encryption</c>: the keys that tokens are encrypted with, never their bytes. The root key above them is the operator's
/// file: only <c>tokenvault-server keys rotate --root</c> changes it.
/// </summary>
internal sealed class EncryptionKeyEndpoints(ManagementRecords records, KeyRotation rotation)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapManagement("GET", "/keys/encryption", "read:encryption_keys", ListAsync).Describe(EncryptionKeyDocs.List);
        routes.MapManagement("GET", "/keys/encryption/{kid}", "read:encryption_keys", GetAsync).Describe(EncryptionKeyDocs.Get);
        routes.MapManagement("POST", "/keys/encryption/rekey", new RequiredScope("create:encryption_keys", "update:encryption_keys"), RekeyAsync)
            .Describe(EncryptionKeyDocs.Rekey);
    }

    public static JsonObject View(VaultKey key, bool active) => new()
    {
        ["kid"] = key.Id,
        ["type"] = "tenant-master-key",
        ["state"] = (active, key.RetiredAt) switch { (true, _) => "active", (_, null) => "deactivated", _ => "destroyed" },
        ["parent_kid"] = key.RootKeyId,
        ["created_at"] = WireJson.Date(key.CreatedAt),
        ["updated_at"] = WireJson.Date(key.RetiredAt ?? key.CreatedAt),
    };

    private async Task<ManagementAnswer> ListAsync(ManagementRequest request)
    {
        var all = await AllAsync(request);
        return records.Answer(request, new ManagementList<VaultKey>("keys", key => View(key, key == all[0])), all);
    }

    private async Task<ManagementAnswer> GetAsync(ManagementRequest request)
    {
        var all = await AllAsync(request);
        return all.Find(key => key.Id == request.Path("kid")) is { } found
            ? ManagementAnswer.Ok(View(found, found == all[0]))
            : ManagementError.Inexistent("encryption_key");
    }

    /// <summary>A new key seals from now on; what the former ones sealed is re-wrapped in the background.</summary>
    private async Task<ManagementAnswer> RekeyAsync(ManagementRequest request) =>
        await rotation.TryRotateAsync(key => records.Row(request, "Make a vault key", ManagementAnswer.NoContent.Status, key.Id), request.Cancellation) is null
            ? ManagementError.Conflict("The keys are being changed by another request. Try again.")
            : ManagementAnswer.NoContent;

    /// <summary>The newest, which seals, first.</summary>
    private async Task<List<VaultKey>> AllAsync(ManagementRequest request) =>
        [.. (await records.Storage.ListAllAsync<VaultKey>(index: null, request.Cancellation)).OrderByDescending(key => key.Generation)];
}
