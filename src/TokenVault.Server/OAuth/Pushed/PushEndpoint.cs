using TokenVault.Server.Http;
using TokenVault.Server.OAuth.SignIn;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.OAuth.Pushed;

/// <summary>
/// Pushed authorization requests (RFC 9126): the client sends the request itself, proves who it is as at the token endpoint, and learns at
/// once what is wrong with it; the browser carries only its name.
/// </summary>
internal sealed class PushEndpoint(
    TokenCaller caller, AuthorizeRequests requests, SignInStep signIn, AuthorizationGranter granter, PushedRequests pushed, AttemptLimiter limiter)
{
    /// <summary>A minute, from one network, by clients that prove nothing: each is a row (T-DO-06).</summary>
    private const int MostByPublicClients = 300;

    /// <summary>They prove who the client is, and are no part of its request.</summary>
    private static readonly string[] Credentials = ["client_id", "client_secret", "client_assertion", "client_assertion_type", "dpop_jkt"];

    public void Map(IEndpointRouteBuilder routes) => routes.MapPost("/oauth/par", HandleAsync);

    private async Task HandleAsync(HttpContext context)
    {
        var kept = await KeepAsync(context);
        if (kept.Failed(out var error))
        {
            await OAuthResponse.WriteErrorAsync(context, error);
            return;
        }

        await OAuthResponse.WriteAsync(context, 201, writer =>
        {
            writer.WriteString("request_uri", kept.Value);
            writer.WriteNumber("expires_in", (long)PushedRequests.Lifetime.TotalSeconds);
        });
    }

    private async ValueTask<Outcome<string>> KeepAsync(HttpContext context)
    {
        // A form, and nothing else (RFC 9126 §2.1).
        if (!context.Request.HasFormContentType)
        {
            return OAuthError.InvalidRequest("The body must be application/x-www-form-urlencoded.");
        }

        var read = await RequestParameters.ReadBodyAsync(context.Request);
        if (read.Failed(out var malformed))
        {
            return malformed;
        }

        var asked = await caller.ReadAsync(context, read.Value, Wire.AuthorizationCode);
        if (asked.Failed(out var notServed))
        {
            return notServed;
        }

        var query = Query(asked.Value);
        if (query.Failed(out var clash))
        {
            return clash;
        }

        if (await RefusalAsync(asked.Value, query.Value, context.RequestAborted) is { } refusal)
        {
            return refusal;
        }

        var client = asked.Value.Client;
        if (client.IsPublic && limiter.Begin($"pushes {CallerNetwork.Of(context)}", MostByPublicClients) is { } wait)
        {
            return OAuthError.TooManyRequests(wait);
        }

        caller.Served(context, client);
        return (await pushed.KeepAsync(client, query.Value)).Reveal();
    }

    /// <summary>What will be the authorization request: the client's, with the key that its proof has shown (RFC 9449 §10.1).</summary>
    private static Outcome<List<KeyValuePair<string, string>>> Query(TokenRequest asked)
    {
        var announced = asked.Parameters["dpop_jkt"];
        var proven = asked.Proven.KeyThumbprint;
        if (announced is not null && proven is not null && announced != proven)
        {
            return OAuthError.InvalidDpopProof("dpop_jkt is another key");
        }

        var own = asked.Parameters.All.Where(parameter => !Credentials.Contains(parameter.Key, StringComparer.Ordinal));
        List<KeyValuePair<string, string>> query = [.. own, KeyValuePair.Create("client_id", asked.Client.ClientId)];
        if ((announced ?? proven) is { } key)
        {
            query.Add(KeyValuePair.Create("dpop_jkt", key));
        }

        return query;
    }

    /// <summary>As the authorization endpoint will, so far as that is possible without the user (RFC 9126 §2.1).</summary>
    private async ValueTask<OAuthError?> RefusalAsync(
        TokenRequest asked, List<KeyValuePair<string, string>> query, CancellationToken cancellationToken)
    {
        // RFC 9126 §2.1: one pushed request does not name another.
        if (asked.Parameters["request_uri"] is not null)
        {
            return OAuthError.InvalidRequest("A pushed request must not have a request_uri.");
        }

        var text = Urls.WithQuery("", query);
        if (text.Length > AuthorizeEndpoint.LongestRequest)
        {
            return new OAuthError(413, "invalid_request", $"The request must not be longer than {AuthorizeEndpoint.LongestRequest} characters.");
        }

        var read = RequestParameters.FromQuery(text);
        if (read.Failed(out var malformed))
        {
            return malformed;
        }

        var response = requests.ResponseTo(read.Value, asked.Client);
        if (response.Failed(out var nowhere))
        {
            return nowhere;
        }

        var parsed = AuthorizeRequest.Parse(read.Value, asked.Client, response.Value);
        if (parsed.Failed(out var refused))
        {
            return refused;
        }

        var (_, notPossible) = await signIn.CheckAsync(parsed.Value, cancellationToken);
        return notPossible ?? ((await granter.ScopesAsync(parsed.Value, cancellationToken)).Failed(out var denied) ? denied : null);
    }
}
