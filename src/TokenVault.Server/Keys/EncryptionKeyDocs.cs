using System.Text.Json.Nodes;
using TokenVault.Server.Http.OpenApi;

namespace TokenVault.Server.Keys;

/// <summary>What the API reference says of encryption keys.</summary>
internal static class EncryptionKeyDocs
{
    private static readonly JsonObject Example = EncryptionKeyEndpoints.View(
        new VaultKey
        {
            Id = "vk_3f9a1c27d0e4b658",
            Generation = 1,
            RootKeyId = "root_70c2a95be81d4f36",
            Wrapped = [],
            Check = "",
            CreatedAt = new DateTimeOffset(2026, 11, 21, 9, 30, 0, TimeSpan.Zero),
        },
        active: true);

    public static Operation List { get; } = new("List the encryption keys")
    {
        Description = "The newest seals (active); older ones open what is not re-wrapped yet (deactivated), until nothing needs them (destroyed).",
        Answer = Example.DeepClone(),
        List = "keys",
        Fields = true,
    };

    public static Operation Get { get; } = new("Get an encryption key") { Answer = Example.DeepClone() };

    public static Operation Rekey { get; } = new("Make a new encryption key")
    {
        Description = "It seals whatever is written from now on; the rest is re-wrapped in the background, while serving.",
        Status = 204,
        Refusals = [409],
    };
}
