using TokenVault.Client.Wire;

namespace TokenVault.Client;

/// <content>The user's connected accounts (<c>/me/v1</c>). The client needs a grant for the API <c>{issuer}me/</c>.</content>
public sealed partial class TokenVaultClient
{
    private const int LongestPage = 20;
    private const int MostPages = 100;

    /// <summary>Begins to connect an account: where to send the user's browser, and what to keep for its return.</summary>
    /// <param name="user">Their refresh token, or an access token for <c>{issuer}me/</c>.</param>
    /// <param name="request">What to connect.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    /// <exception cref="TokenVaultException">It was refused.</exception>
    public async Task<PendingConnect> ConnectAsync(SubjectToken user, ConnectRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(user);
        ArgumentNullException.ThrowIfNull(request);
        var (state, verifier) = (Jwt.Random(), Jwt.Random());
        var body = new ConnectBody(request.Connection, request.RedirectUri, state, Jwt.Hash(verifier), "S256")
        {
            Scopes = request.Scopes.Count == 0 ? null : [.. request.Scopes.Distinct(StringComparer.Ordinal)],
            AuthorizationParams = request.AuthorizationParams.Count == 0 ? null : request.AuthorizationParams,
        };
        var context = new FailureContext(request.Connection, request.Scopes);
        var call = new AccountCall(HttpMethod.Post, "connect", Names.CreateAccounts, context, MyAccountApi.Json(body, WireJson.Default.ConnectBody));
        var answer = (await _account.CallAsync(user, call, cancellationToken)).Read(WireJson.Default.ConnectAnswer);
        if (answer is not { AuthSession: { } session, ConnectParams.Ticket: { } ticket }
            || !Uri.TryCreate(answer.ConnectUri, UriKind.Absolute, out var uri) || uri.Scheme != Uri.UriSchemeHttps)
        {
            throw new TokenVaultException(TokenVaultFailure.InvalidAnswer, "The server's answer has no link to connect by.");
        }

        var link = new UriBuilder(uri) { Query = "ticket=" + Uri.EscapeDataString(ticket) }.Uri;
        return new PendingConnect(request.Connection, link, state, request.RedirectUri, session, verifier, After(answer.ExpiresIn));
    }

    /// <summary>Completes a connecting, once the browser is back. Tokens cached for this subject are dropped.</summary>
    /// <param name="user">The user who began it.</param>
    /// <param name="pending">What <see cref="ConnectAsync"/> gave. The caller has compared <see cref="PendingConnect.State"/>.</param>
    /// <param name="connectCode">The <c>connect_code</c> that came with the browser.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    /// <exception cref="TokenVaultException">It was refused; <see cref="TokenVaultFailure.ConnectFailed"/>: begin anew.</exception>
    public async Task<ConnectedAccount> CompleteAsync(
        SubjectToken user, PendingConnect pending, string connectCode, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(user);
        ArgumentNullException.ThrowIfNull(pending);
        ArgumentException.ThrowIfNullOrEmpty(connectCode);
        var body = new CompleteBody(pending.AuthSession, connectCode, pending.RedirectUri, pending.CodeVerifier);
        var context = new FailureContext(pending.Connection, Completes: true);
        var call = new AccountCall(HttpMethod.Post, "complete", Names.CreateAccounts, context, MyAccountApi.Json(body, WireJson.Default.CompleteBody));
        var answer = await _account.CallAsync(user, call, cancellationToken);
        _cache.ForgetAll(user);
        return Account(answer.Read(WireJson.Default.AccountAnswer));
    }

    /// <summary>The user's connected accounts, all of them.</summary>
    /// <param name="user">Their refresh token, or an access token for <c>{issuer}me/</c>.</param>
    /// <param name="connection">Null: of every connection.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    /// <exception cref="TokenVaultException">It was refused.</exception>
    public Task<IReadOnlyList<ConnectedAccount>> ListAccountsAsync(
        SubjectToken user, string? connection = null, CancellationToken cancellationToken = default)
    {
        var filter = connection is null ? "" : "&connection=" + Uri.EscapeDataString(connection);
        return ListAsync(user, "accounts", filter, ReadAccounts, cancellationToken);
    }

    /// <summary>The connections at which the client's users can connect accounts, all of them.</summary>
    /// <param name="user">Their refresh token, or an access token for <c>{issuer}me/</c>.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    /// <exception cref="TokenVaultException">It was refused.</exception>
    public Task<IReadOnlyList<AvailableConnection>> ListConnectionsAsync(SubjectToken user, CancellationToken cancellationToken = default) =>
        ListAsync(user, "connections", "", ReadConnections, cancellationToken);

    /// <summary>Disconnects an account: the server forgets its tokens. Tokens cached for this subject are dropped.</summary>
    /// <param name="user">Their refresh token, or an access token for <c>{issuer}me/</c>.</param>
    /// <param name="accountId">The account's id, <c>cac_…</c>.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    /// <exception cref="TokenVaultException">It was refused.</exception>
    public async Task DisconnectAsync(SubjectToken user, string accountId, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(user);
        ArgumentException.ThrowIfNullOrEmpty(accountId);
        var call = new AccountCall(HttpMethod.Delete, "accounts/" + Uri.EscapeDataString(accountId), Names.DeleteAccounts, new FailureContext());
        await _account.CallAsync(user, call, cancellationToken);
        _cache.ForgetAll(user);
    }

    private async Task<IReadOnlyList<T>> ListAsync<T>(
        SubjectToken user, string path, string filter, Func<Answer, (IEnumerable<T> Items, string? Next)> read, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(user);
        var all = new List<T>();
        string? next = null;
        for (var page = 0; page < MostPages; page++)
        {
            var cursor = next is null ? "" : "&from=" + Uri.EscapeDataString(next);
            var call = new AccountCall(HttpMethod.Get, $"{path}?take={LongestPage}{filter}{cursor}", Names.ReadAccounts, new FailureContext());
            var (items, following) = read(await _account.CallAsync(user, call, cancellationToken));
            all.AddRange(items);
            if (string.IsNullOrEmpty(following) || following == next)
            {
                return all;
            }

            next = following;
        }

        throw new TokenVaultException(TokenVaultFailure.InvalidAnswer, "The server's list does not end.");
    }

    private static (IEnumerable<ConnectedAccount> Items, string? Next) ReadAccounts(Answer answer)
    {
        var page = answer.Read(WireJson.Default.AccountPage);
        return (page.Accounts?.Select(Account) ?? [], page.Next);
    }

    private static (IEnumerable<AvailableConnection> Items, string? Next) ReadConnections(Answer answer)
    {
        var page = answer.Read(WireJson.Default.ConnectionPage);
        return (page.Connections?.Select(Connection) ?? [], page.Next);
    }

    private static ConnectedAccount Account(AccountAnswer answer) => answer is { Id: { } id, Connection: { } connection }
        ? new ConnectedAccount(id, connection, answer.Scopes ?? [], answer.CreatedAt, answer.ExpiresAt)
        : throw new TokenVaultException(TokenVaultFailure.InvalidAnswer, "The server's answer has an account without id or connection.");

    private static AvailableConnection Connection(ConnectionAnswer answer) => answer is { Name: { } name, Strategy: { } strategy }
        ? new AvailableConnection(name, strategy, answer.Scopes ?? [])
        : throw new TokenVaultException(TokenVaultFailure.InvalidAnswer, "The server's answer has a connection without name or strategy.");
}
