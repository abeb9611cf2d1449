using TokenVault.Server.Connections;
using TokenVault.Server.Http;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Accounts;

/// <summary>Sends a browser with its ticket to the provider, once.</summary>
internal sealed class ConnectDeparture(IStorage storage, ProviderClient provider, ConnectSealer sealer, ConnectCallback callback)
{
    /// <returns>False when the ticket was used in this moment elsewhere; nothing is written then.</returns>
    public async Task<bool> SendToProviderAsync(HttpContext context, ConnectRequest request, Connection connection)
    {
        var state = new Secret(Identifier.Secret());
        var browser = new Secret(Identifier.Secret());
        var proof = new ConnectProof(Identifier.Secret(), Identifier.Secret());
        var url = await provider.AuthorizeUrlAsync(
            connection,
            new AuthorizeUpstream(provider.CallbackUrl(connection), state.Reveal(), proof.Nonce, proof.CodeVerifier, request.Scopes, request.Parameters),
            context.RequestAborted);
        if (url.Value is null)
        {
            await callback.FailAsync(context, request, connection, url.Failure!);
            return true;
        }

        var started = request with
        {
            Stage = ConnectStage.Started,
            ProviderStateHash = Identifier.Hash(state.Reveal()),
            BrowserHash = Identifier.Hash(browser.Reveal()),
            SealedProof = sealer.Seal(request, proof),
            Deadline = callback.Now + UpstreamCookie.AtProvider,
        };
        if (!(await storage.CommitAsync(new Batch().Replace(started))).Committed)
        {
            return false;
        }

        UpstreamCookie.Of("connect", state).Set(context, browser);
        OAuthResponse.NoStore(context);
        context.Response.Redirect(url.Value);
        return true;
    }
}
