using System.Text.Json.Nodes;
using TokenVault.Server.Http.OpenApi;

namespace TokenVault.Server.Keys;

/// <summary>What the API reference says of signing keys.</summary>
internal static class SigningKeyDocs
{
    private static readonly DateTimeOffset At = new(2026, 11, 21, 9, 30, 0, TimeSpan.Zero);

    private static readonly JsonObject Example = SigningKeyEndpoints.View(
        new SigningKey
        {
            Id = "3J5Vm2bQ0kLh9oV3r1x8yZ6wT4uN7cA2sD5fG8hJ0kL",
            Alg = "RS256",
            State = SigningKeyState.Revoked,
            PublicJwk = [],
            SealedPrivateKey = [],
            CurrentSince = At,
            RetiredAt = At,
            RevokedAt = At,
        },
        new SigningCertificate("-----BEGIN CERTIFICATE-----…", "-----BEGIN PKCS7-----…", "AB:CD:…", "ABCD…"));

    private static readonly JsonObject Named = new() { ["kid"] = Example["kid"]!.DeepClone(), ["cert"] = Example["cert"]!.DeepClone() };

    public static Operation List { get; } = new("List the signing keys") { Answer = new JsonArray(Example.DeepClone()) };

    public static Operation Get { get; } = new("Get a signing key") { Answer = Example.DeepClone() };

    public static Operation Rotate { get; } = new("Rotate the signing keys")
    {
        Guarded = true,
        Description = "The next key of each algorithm signs from now on; the former one verifies until it is revoked. If-Match names the RS256 key that signed until now.",
        Status = 201,
        Answer = Named.DeepClone(),
    };

    public static Operation Revoke { get; } = new("Revoke a signing key")
    {
        Guarded = true,
        Description = "Only a previous key: what it signed is refused from now on.",
        Answer = Named.DeepClone(),
    };
}
