using TokenVault.Server.Clients;
using TokenVault.Server.Http;
using TokenVault.Server.Keys;
using TokenVault.Server.Storage;
using TokenVault.Server.Users;

namespace TokenVault.Server.Accounts;

/// <summary>What every My Account request passes: a user's access token for this API, with the scope that the endpoint needs.</summary>
internal sealed class MyAccountGate(IStorage storage, RecordCache cache, AccessTokens tokens, RequestRates rates, TokenVaultOptions options)
{
    private readonly string _audience = options.Issuer + "me/";

    public string Issuer { get; } = options.Issuer;

    /// <summary>Runs the handler for a caller who may; a problem it returns, or the gate's own, is written here.</summary>
    public RequestDelegate For(string scope, Func<HttpContext, AccessToken, Task<MyAccountProblem?>> handler) => async context =>
    {
        var problem = Admit(context, scope, out var caller)
            ?? await WithdrawnAsync(caller!, context.RequestAborted)
            ?? (await rates.AdmitAsync(context, "my account", caller!.ClientId, caller.UserId) ? null : MyAccountProblem.TooManyRequests("Too many requests. Try again in a second."))
            ?? await handler(context, caller!);
        if (problem is not null)
        {
            await problem.WriteAsync(context);
        }
    };

    private MyAccountProblem? Admit(HttpContext context, string scope, out AccessToken? caller)
    {
        caller = null;
        if (BearerToken.Of(context.Request) is not { } token)
        {
            return MyAccountProblem.Unauthorized("An access token is required.");
        }

        caller = tokens.Verify(token, _audience, out _);
        if (caller is not { UserId: not null })
        {
            return MyAccountProblem.Unauthorized("The access token is not valid for a user of the My Account API.");
        }

        return caller.Scopes.Contains(scope, StringComparer.Ordinal) ? null : MyAccountProblem.Forbidden($"The access token lacks the scope {scope}.");
    }

    /// <summary>A token may outlive the right of its user and of its client (T-ST-11).</summary>
    private async ValueTask<MyAccountProblem?> WithdrawnAsync(AccessToken caller, CancellationToken cancellationToken)
    {
        if (await cache.FindAsync<Client>(caller.ClientId, cancellationToken) is null)
        {
            return MyAccountProblem.Unauthorized("The client of the access token does not exist any more.");
        }

        return await storage.FindAsync<User>(caller.UserId!, cancellationToken) is { Blocked: false }
            ? null
            : MyAccountProblem.Forbidden("The user is blocked or does not exist any more.");
    }
}
