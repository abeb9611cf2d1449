using System.Text.Json.Nodes;
using TokenVault.Server.Http.OpenApi;

namespace TokenVault.Server.Clients;

/// <summary>What the API reference says of credentials.</summary>
internal static class ClientCredentialDocs
{
    private static readonly DateTimeOffset At = new(2026, 11, 21, 9, 30, 0, TimeSpan.Zero);

    /// <summary>With every member that any kind of credential has.</summary>
    public static ClientCredential Example { get; } = new()
    {
        Id = "cred_5aB0cD1eF2gH3iJ4kL5mN6",
        Name = "Nightly sync",
        CredentialType = ClientCredential.PublicKey,
        Alg = "RS256",
        Kid = "nightly-sync-2026",
        SubjectDn = "CN=nightly-sync, O=Example",
        CertificateThumbprint = "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2",
        CreatedAt = At,
        UpdatedAt = At,
        EndsAt = At.AddYears(1),
    };

    private static JsonObject Shown => ClientCredentialEndpoints.View(Example);

    public static Operation List { get; } = new("List the credentials of a client") { Answer = new JsonArray(Shown) };

    public static Operation Get { get; } = new("Get a credential of a client") { Answer = Shown };

    public static Operation Create { get; } = new("Give a client a credential")
    {
        Description = "A public key or a certificate in PEM. A private key is refused, and so is a key that another client has.",
        Status = 201,
        Answer = Shown,
        Body = body => ClientCredentialBody.Read(body, At),
        BodyExample = new JsonObject
        {
            ["credential_type"] = ClientCredential.PublicKey,
            ["name"] = "Nightly sync",
            ["pem"] = "-----BEGIN PUBLIC KEY-----\n…\n-----END PUBLIC KEY-----",
            ["alg"] = "RS256",
        },
        Guarded = false,
        Refusals = [404, 409],
    };

    public static Operation Update { get; } = new("Change when a credential ends")
    {
        Answer = Shown,
        Body = body => ClientCredentialBody.ReadEnd(body, Example.EndsAt, At),
        BodyExample = new JsonObject { ["expires_at"] = "2027-11-21T09:30:00.000Z" },
        Refusals = [409],
    };

    public static Operation Delete { get; } = new("Delete a credential of a client")
    {
        Description = "One that is in use is detached from the client first. What is not there is deleted already.",
        Status = 204,
        Refusals = [409],
    };
}
