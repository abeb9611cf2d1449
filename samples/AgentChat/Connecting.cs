using System.Net;
using System.Text;
using TokenVault.Client;
using TokenVault.Client.Agents;

namespace AgentChat;

/// <summary>Sends the user to connect, and waits until their browser comes back to this machine (RFC 8252 §7.3).</summary>
internal sealed class Connecting(TokenVaultClient vault, SignedIn user, Connecting.Address address)
{
    /// <returns>False: the user, or the provider, did not.</returns>
    public async Task<bool> ConnectAsync(TokenVaultInterrupt interrupt, CancellationToken cancellationToken)
    {
        var request = new ConnectRequest(interrupt.Connection, address.RedirectUri)
        {
            Scopes = interrupt.RequiredScopes,
            AuthorizationParams = interrupt.AuthorizationParams,
        };
        var pending = await vault.ConnectAsync(user.Token, request, cancellationToken);
        using var listener = new HttpListener();
        listener.Prefixes.Add(address.RedirectUri);
        listener.Start();
        Console.WriteLine($"Connect your account at {interrupt.Connection} ({string.Join(' ', interrupt.RequiredScopes)}): {pending.Link}");

        var back = await BackAsync(listener, pending.State, cancellationToken);
        if (back["connect_code"] is not { } code)
        {
            return false;
        }

        await vault.CompleteAsync(user.Token, pending, code, cancellationToken);
        return true;
    }

    /// <summary>Whatever comes without the state is somebody else's.</summary>
    private static async Task<System.Collections.Specialized.NameValueCollection> BackAsync(
        HttpListener listener, string state, CancellationToken cancellationToken)
    {
        while (true)
        {
            var context = await listener.GetContextAsync().WaitAsync(cancellationToken);
            var ours = context.Request.QueryString["state"] == state;
            context.Response.StatusCode = ours ? 200 : 400;
            context.Response.ContentType = "text/plain";
            await context.Response.OutputStream.WriteAsync(Encoding.ASCII.GetBytes(ours ? "Back to the agent." : "Not from here."), cancellationToken);
            context.Response.Close();
            if (ours)
            {
                return context.Request.QueryString;
            }
        }
    }

    /// <param name="RedirectUri">Where browsers come back to: a callback of the client, with a closing slash.</param>
    internal sealed record Address(string RedirectUri);
}
