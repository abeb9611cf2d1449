using System.Text.Json.Nodes;
using TokenVault.Server.Clients;
using TokenVault.Server.Connections;
using TokenVault.Server.Http;
using TokenVault.Server.Users;

namespace TokenVault.Server.Actions;

/// <summary>What actions are told of a transaction, in the members that Auth0's have. No secret and no token of this server's is among them.</summary>
/// <param name="Protocol">One of <see cref="TransactionProtocol"/>.</param>
/// <param name="Commands">What may be answered.</param>
internal sealed record ActionEvent(string Protocol, Client Client, RequestOrigin Origin, IReadOnlyList<string> Commands)
{
    /// <summary>Null while nobody knows.</summary>
    public User? User { get; init; }

    public Connection? Connection { get; init; }

    /// <summary>Null: none is asked for.</summary>
    public string? Audience { get; init; }

    public IReadOnlyList<string> RequestedScopes { get; init; } = [];

    /// <summary>How the user signed in, in the session that this goes back to.</summary>
    public IReadOnlyList<string> Methods { get; init; } = [];

    /// <summary>What else is to be said of the transaction.</summary>
    public JsonObject? Transaction { get; init; }

    public JsonObject ToJson()
    {
        var transaction = new JsonObject { ["protocol"] = Protocol, ["requested_scopes"] = WireJson.Texts(RequestedScopes) };
        foreach (var (name, value) in Transaction ?? [])
        {
            transaction.With(name, value?.DeepClone());
        }

        return new JsonObject
        {
            ["transaction"] = transaction,
            ["client"] = new JsonObject { ["client_id"] = Client.ClientId, ["name"] = Client.Name }
                .With("app_type", Client.AppType),
            ["request"] = new JsonObject().With("ip", Origin.Ip).With("user_agent", Origin.UserAgent).With("correlation_id", Origin.CorrelationId),
            ["authentication"] = new JsonObject { ["methods"] = WireJson.Array(Methods.Select(method => new JsonObject { ["name"] = method })) },
        }
            .With("user", User is null ? null : UserView.Of(User))
            .With("connection", Connection is null ? null : new JsonObject { ["id"] = Connection.Id, ["name"] = Connection.Name, ["strategy"] = Connection.Strategy })
            .With("resource_server", Audience is null ? null : new JsonObject { ["identifier"] = Audience });
    }
}
