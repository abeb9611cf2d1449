using TokenVault.Server.Approvals;
using TokenVault.Server.Clients;
using TokenVault.Server.Connections;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Tokensets;

namespace TokenVault.Server.Exchange;

/// <summary>What forbids an exchange whatever the vault holds: asked each time, because each of it can change after it was set up (T-CA-01).</summary>
internal sealed class ExchangeRules(RecordCache cache, MultiFactorPolicy multiFactor, ExchangeApprovals approvals, TokenVaultOptions options)
{
    public ValueTask<Connection?> FindConnectionAsync(ExchangeRequest request, CancellationToken cancellationToken) =>
        cache.FindByKeyAsync<Connection>("name", request.Connection, cancellationToken);

    /// <summary>
    /// Nobody can be asked for a second factor here, so a deployment that always demands one has no exchange, as Auth0 has none; unless
    /// its operator takes the word of the session for it. A worker's user was in no session (T-CF-14).
    /// </summary>
    public async ValueTask<OAuthError?> MultiFactorRefusalAsync(Subject subject, CancellationToken cancellationToken)
    {
        var methods = options.MultiFactor.SessionsMayExchange ? subject.Methods : [];
        return await multiFactor.DemandsMoreAsync(methods, cancellationToken) ? ExchangeErrors.MultiFactorAlways() : null;
    }

    /// <summary>See <see cref="ApprovalRules"/>.</summary>
    public ValueTask<(Approval? Given, OAuthError? Refusal)> ApprovalAsync(
        ExchangeAttempt attempt, Connection connection, Tokenset tokenset, CancellationToken cancellationToken) =>
        approvals.FindAsync(attempt, connection, tokenset, cancellationToken);

    public static OAuthError? ClientRefusal(Client client)
    {
        if (client.IsPublic)
        {
            return ExchangeErrors.ClientMayNot("A public client may not use the Token Vault exchange.");
        }

        if (!client.IsFirstParty)
        {
            return ExchangeErrors.ClientMayNot("Only a first-party client may use the Token Vault exchange.");
        }

        return client.OidcConformant ? null : ExchangeErrors.ClientMayNot("Only an OIDC-conformant client may use the Token Vault exchange.");
    }

    public static OAuthError? ConnectionRefusal(Connection? connection, Client client)
    {
        if (connection is null)
        {
            return OAuthError.InvalidRequest("The connection does not exist.");
        }

        if (!connection.ConnectedAccountsActive)
        {
            return ExchangeErrors.Denied("Connected accounts are not active on the connection.");
        }

        return connection.IsEnabledFor(client.ClientId) ? null : ExchangeErrors.Denied("The connection is not enabled for the client.");
    }
}
