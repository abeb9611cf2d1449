using TokenVault.Server.Clients;
using TokenVault.Server.Http;
using TokenVault.Server.Keys;
using TokenVault.Server.Storage;
using TokenVault.Server.Users;

namespace TokenVault.Server.Accounts;

/// <summary>What every My Account request passes: a user's access token for this API, with the scope that the endpoint needs.</summary>
internal sealed class MyAccountGate(IStorage storage, RecordCache cache, PresentedTokens tokens, RequestRates rates, TokenVaultOptions options)
{
    private readonly string _audience = options.Issuer + "me/";

    public string Issuer { get; } = options.Issuer;

    /// <summary>Runs the handler for a caller who may; a problem it returns, or the gate's own, is written here.</summary>
    public RequestDelegate For(string scope, Func<HttpContext, AccessToken, Task<MyAccountProblem?>> handler) => async context =>
    {
        var (caller, refusal) = await AdmitAsync(context, scope);
        var problem = refusal
            ?? await WithdrawnAsync(caller!, context.RequestAborted)
            ?? (await rates.AdmitAsync(context, "my account", caller!.ClientId, caller.UserId) ? null : MyAccountProblem.TooManyRequests("Too many requests. Try again in a second."))
            ?? await handler(context, caller!);
        if (problem is not null)
        {
            await problem.WriteAsync(context);
        }
    };

    private async ValueTask<(AccessToken? Caller, MyAccountProblem? Problem)> AdmitAsync(HttpContext context, string scope)
    {
        var (caller, error) = await tokens.ReadAsync(context, _audience);
        if (caller is null && error is null)
        {
            return (null, MyAccountProblem.Unauthorized("An access token is required."));
        }

        if (caller is not { UserId: not null })
        {
            return (null, MyAccountProblem.Unauthorized(
                error is null or { Error: "invalid_token" } ? "The access token is not valid for a user of the My Account API." : error.Description));
        }

        return (caller, caller.Scopes.Contains(scope, StringComparer.Ordinal) ? null : MyAccountProblem.Forbidden($"The access token lacks the scope {scope}."));
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
