using System.Text.Json.Nodes;
using TokenVault.Server.Http.OpenApi;
using TokenVault.Server.Users;

namespace TokenVault.Server.OAuth.Linking;

/// <summary>What the API reference says of linked identities.</summary>
internal static class IdentityDocs
{
    private static readonly JsonArray Example = UserView.Identities(new User { UserId = "auth0|65f0a1b2c3d4e5f6a7b8c9d0", Connection = "Username-Password-Authentication" });

    public static Operation Link { get; } = new("Link a user to another one")
    {
        Description = "The other user, named by provider and user_id or by an ID token (link_with), becomes an identity of this one, and its connected accounts go along.",
        Status = 201,
        Answer = Example.DeepClone(),
        Body = body => IdentityEndpoints.Read(body),
        BodyExample = new JsonObject { ["provider"] = "google-oauth2", ["user_id"] = "108204268033311374519" },
        Refusals = [404, 409],
    };

    public static Operation Unlink { get; } = new("Unlink an identity, which is a user of its own again")
    {
        Answer = Example.DeepClone(),
        Query = [("connection", "Name or id of the identity's connection, where provider and user_id leave open which one is meant.")],
        Refusals = [404, 409],
    };
}
