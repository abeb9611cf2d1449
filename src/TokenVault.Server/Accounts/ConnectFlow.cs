using TokenVault.Server.Clients;
using TokenVault.Server.Connections;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Accounts;

/// <summary>How an application lets its user connect an account, first step: what it asked for, stored, and a ticket for the browser.</summary>
internal sealed class ConnectFlow(
    IStorage storage, RecordCache cache, ProviderClient provider, AccountScopes scopes, GrantAdoption adoption, TimeProvider time)
{
    /// <summary>How long the ticket waits for the browser.</summary>
    public static readonly TimeSpan TicketLifetime = TimeSpan.FromMinutes(5);

    public const string Nameless =
        "The provider does not say whose account it is, and one is connected already: it is not overwritten. Disconnect it first.";

    private const int MostPendingPerConnection = 20;

    public async ValueTask<(ConnectTicket? Ticket, MyAccountProblem? Problem)> StartAsync(
        AccessToken caller, ConnectBody body, CancellationToken cancellationToken)
    {
        if (await cache.FindAsync<Client>(caller.ClientId, cancellationToken) is not { } client)
        {
            return (null, MyAccountProblem.Unauthorized("The client of the access token does not exist any more."));
        }

        if (!body.ReturnsHere && !client.Callbacks.Contains(body.RedirectUri, StringComparer.Ordinal))
        {
            return (null, MyAccountProblem.Invalid("redirect_uri is not one of the client's callback URLs.", "redirect_uri"));
        }

        if (client.IsPublic && body.CodeChallenge is null)
        {
            return (null, MyAccountProblem.Invalid("A public client must send a code_challenge.", "code_challenge"));
        }

        var connection = await cache.FindByKeyAsync<Connection>("name", body.Connection, cancellationToken);
        if (connection is not { ConnectedAccountsActive: true } || !connection.IsEnabledFor(client.ClientId))
        {
            return (null, MyAccountProblem.Invalid("The connection does not exist, or is not enabled for connected accounts of this client.", "connection"));
        }

        return (PolicyRefusal(client, body) ?? await RefusalAsync(caller.UserId!, body, connection, cancellationToken)) is { } refused
            ? (null, refused)
            : (await StoreAsync(caller, client, body, connection, cancellationToken), null);
    }

    /// <summary>An agent does not have its users asked for what it could not have either.</summary>
    private static MyAccountProblem? PolicyRefusal(Client client, ConnectBody body)
    {
        if (client.AgentPolicy is not { } policy)
        {
            return null;
        }

        if (!policy.Names(body.Connection))
        {
            return MyAccountProblem.Forbidden("The client's agent policy does not name the connection.");
        }

        return policy.RefusedAt(body.Connection, (body.Scopes ?? []).Concat(body.FurtherScopes)) is { } scope
            ? MyAccountProblem.Forbidden($"The client's agent policy does not allow the scope {OAuthError.Shown(scope)}.")
            : null;
    }

    private async ValueTask<MyAccountProblem?> RefusalAsync(string userId, ConnectBody body, Connection connection, CancellationToken cancellationToken)
    {
        if (provider.NamesNobody(connection) && await adoption.HoldsAnotherAsync(userId, connection, cancellationToken))
        {
            return MyAccountProblem.Conflict(Nameless);
        }

        foreach (var (asked, field) in ((IReadOnlyList<string>, string)[])[(body.Scopes ?? [], "scopes"), (body.FurtherScopes, "authorization_params/connection_scope")])
        {
            if (scopes.Refused(connection, asked) is { } scope)
            {
                return MyAccountProblem.Invalid($"The connection does not allow to ask for the scope {OAuthError.Shown(scope)}.", field);
            }
        }

        var pending = new ListQuery(ConnectRequest.Kind) { Index = ConnectRequest.PendingIndex(userId, connection.Id) };
        if (await storage.CountAsync(pending, cancellationToken) >= MostPendingPerConnection)
        {
            return new MyAccountProblem(429, "Too Many Requests", "Too many unfinished requests for this connection. Try again in a few minutes.");
        }

        return null;
    }

    private async ValueTask<ConnectTicket> StoreAsync(
        AccessToken caller, Client client, ConnectBody body, Connection connection, CancellationToken cancellationToken)
    {
        var former = await scopes.FormerAsync(caller.UserId!, connection, body.Parameters.GetValueOrDefault("login_hint"), cancellationToken);
        var session = new Secret(Identifier.Secret());
        var ticket = new Secret(Identifier.Secret());
        await storage.CommitAsync(new Batch().Insert(new ConnectRequest
        {
            Id = Identifier.Hash(session.Reveal()),
            UserId = caller.UserId!,
            ClientId = caller.ClientId,
            ConnectionId = connection.Id,
            RedirectUri = body.RedirectUri,
            State = body.State,
            CodeChallenge = body.CodeChallenge,
            Scopes = [.. Requested(body, connection, client).Union(former, StringComparer.Ordinal)],
            Parameters = body.Parameters,
            TicketHash = Identifier.Hash(ticket.Reveal()),
            Deadline = time.GetUtcNow() + TicketLifetime,
        }));
        return new ConnectTicket(session, ticket);
    }

    /// <summary>The request's scopes replace the connection's, <c>connection_scope</c> adds to them; what keeps the grant refreshable stays.</summary>
    private List<string> Requested(ConnectBody body, Connection connection, Client client)
    {
        var configured = provider.DefaultScopes(connection).Where(scope => client.AgentPolicy?.RefusedAt(connection.Name, [scope]) is null).ToList();
        List<string> kept = body.Scopes is null ? configured : [.. body.Scopes, .. configured.Where(scope => scope == Wire.OfflineAccess)];
        return [.. kept.Union(body.FurtherScopes, StringComparer.Ordinal)];
    }
}

/// <param name="Session">For the application: <c>auth_session</c>.</param>
/// <param name="Ticket">For the browser.</param>
internal sealed record ConnectTicket(Secret Session, Secret Ticket);
