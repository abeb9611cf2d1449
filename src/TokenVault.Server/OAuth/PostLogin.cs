using System.Text.Json.Nodes;
using TokenVault.Server.Clients;
using TokenVault.Server.Http;
using TokenVault.Server.Protocol;
using TokenVault.Server.Users;

namespace TokenVault.Server.OAuth;

/// <summary>A user's authorization of a client, given now or earlier, that tokens are about to come of.</summary>
/// <param name="Protocol">One of <see cref="Actions.TransactionProtocol"/>.</param>
internal sealed record PostLogin(string Protocol, Client Client, RequestOrigin Origin, User User)
{
    public string? Audience { get; init; }

    public IReadOnlyList<string> RequestedScopes { get; init; } = [];

    /// <summary>How the user signed in.</summary>
    public IReadOnlyList<string> Methods { get; init; } = [];

    /// <summary>By its name; null: the one that the user came from first.</summary>
    public string? Connection { get; init; }

    /// <summary>The user has just answered the approval that actions may demand.</summary>
    public bool IsApproved { get; init; }

    /// <summary>What else is to be said of the transaction.</summary>
    public JsonObject? Transaction { get; init; }

    public static PostLogin Of(AuthorizeRequest request, SignedIn signedIn, RequestOrigin origin) =>
        new(Actions.TransactionProtocol.AuthorizationCode, request.Client, origin, signedIn.User)
        {
            Audience = request.Audience,
            RequestedScopes = request.Scopes,
            Methods = signedIn.Session.Methods,
            Connection = signedIn.Session.Connection ?? Wire.DatabaseConnection,
            Transaction = new JsonObject
            {
                ["redirect_uri"] = request.RedirectUri,
                ["prompt"] = WireJson.Texts(request.Prompt),
                ["acr_values"] = WireJson.Texts(request.AsksForMultiFactor ? [AuthenticationMethod.MultiFactorContext] : []),
            },
        };
}
