using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using TokenVault.Server.Http;
using TokenVault.Server.Keys;
using TokenVault.Server.Keys.Jose;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Clients;

/// <summary>
/// Who calls the token endpoint (RFC 6749 §2.3). One method per request; whatever is presented must verify, never fall back
/// to another method (T-CA-03, T-CA-04). Unknown client and wrong secret look and cost the same (T-CA-08).
/// </summary>
internal sealed class ClientAuthenticator(
    RecordCache cache, KeyRing ring, AttemptLimiter limiter, AssertionVerifier assertions, CertificateVerifier certificates, AuthenticationTrace trace)
{
    private const string BasicScheme = "Basic";

    /// <summary>A minute, from one network.</summary>
    private const int MostFailuresOfStrangers = 200;

    private static readonly string NobodysHash = new('0', 64);

    /// <param name="impliedClientId">Whom a request without any client id can only come from (the owner of its refresh token).</param>
    public async ValueTask<Outcome<Client>> AuthenticateAsync(HttpContext context, RequestParameters parameters, string? impliedClientId = null)
    {
        var read = Read(context, parameters);
        if (read.Failed(out var malformed))
        {
            return malformed;
        }

        var credentials = read.Value;
        var clientId = credentials.ClientId ?? impliedClientId;
        if (clientId is null)
        {
            return OAuthError.InvalidClient("no client id");
        }

        var key = $"client {clientId} {CallerNetwork.Of(context)}";
        if (limiter.Blocked(key) is { } wait)
        {
            await trace.LimitedAsync(context, clientId, key);
            return OAuthError.TooManyRequests(wait);
        }

        var client = await cache.FindAsync<Client>(clientId, context.RequestAborted);
        var certificate = context.Connection.ClientCertificate;
        if (client is { UsesCertificate: true } && certificate is not null && credentials.HasSomething)
        {
            // A certificate is a method for the clients that are registered for it, and says nothing of the others.
            return OneMethod();
        }

        var problem = await ProblemAsync(client, credentials, certificate);
        if (problem.Length > 0)
        {
            limiter.Failed(key);
            await trace.FailedAsync(context, parameters, client, problem);
            return OAuthError.InvalidClient(client is null ? "unknown client" : problem);
        }

        // Anybody may call as a public client, and each failure of theirs is written to the log: not without end (T-DO-06).
        if (client!.IsPublic && limiter.Begin(StrangerKey(context, client), MostFailuresOfStrangers) is { } longer)
        {
            await trace.LimitedAsync(context, clientId, StrangerKey(context, client));
            return OAuthError.TooManyRequests(longer);
        }

        return client;
    }

    /// <summary>The request that was let in has succeeded: it does not count against a public client's callers.</summary>
    public void Served(HttpContext context, Client client)
    {
        if (client.IsPublic)
        {
            limiter.Forgive(StrangerKey(context, client));
        }
    }

    private static string StrangerKey(HttpContext context, Client client) => $"public {client.ClientId} {CallerNetwork.Of(context)}";

    /// <returns>Why what is presented does not prove the client; "" when it does.</returns>
    private async ValueTask<string> ProblemAsync(Client? client, Credentials credentials, X509Certificate2? certificate)
    {
        if (credentials.Assertion is { } assertion)
        {
            return await assertions.VerifyAsync(client, assertion);
        }

        if (client is { UsesCertificate: true } && credentials.Secret is null)
        {
            return certificates.Verify(client, certificate);
        }

        return Verify(client, credentials.Secret) ? "" : "wrong credentials";
    }

    private bool Verify(Client? client, string? secret)
    {
        if (client is { IsPublic: true })
        {
            return secret is null;
        }

        // A client set to prove itself by a key must not get in by a secret instead.
        var hash = client is { AcceptsSecret: true } ? client.SecretHash : null;

        // A dummy comparison for a client that does not exist, or has no secret.
        var expected = Encoding.ASCII.GetBytes(hash ?? NobodysHash);
        var presented = Encoding.ASCII.GetBytes(ring.HashSecret(secret ?? ""));
        return CryptographicOperations.FixedTimeEquals(expected, presented) && secret is not null && hash is not null;
    }

    private static Outcome<Credentials> Read(HttpContext context, RequestParameters parameters)
    {
        var body = new Credentials(parameters["client_id"], parameters["client_secret"]);
        var header = context.Request.Headers.Authorization;
        var byHeader = header.Count > 0 && header.Any(value => value?.StartsWith(BasicScheme, StringComparison.OrdinalIgnoreCase) == true);
        var byAssertion = parameters["client_assertion"] is not null || parameters["client_assertion_type"] is not null;
        if ((byHeader ? 1 : 0) + (byAssertion ? 1 : 0) + (body.Secret is null ? 0 : 1) > 1)
        {
            return OneMethod();
        }

        if (byAssertion)
        {
            return Assertion(parameters);
        }

        if (!byHeader)
        {
            return body;
        }

        if (header.Count != 1 || Basic(header[0]![BasicScheme.Length..].Trim()) is not { } basic)
        {
            return OAuthError.InvalidClient("malformed Basic header");
        }

        // SDKs repeat the client id in the body beside the header; another id is an error.
        return body.ClientId is not null && body.ClientId != basic.ClientId ? OneMethod() : basic;
    }

    /// <summary>RFC 7521 §4.2. The client id may be left out: the assertion names the client, and must prove to be that one's.</summary>
    private static Outcome<Credentials> Assertion(RequestParameters parameters)
    {
        if (parameters["client_assertion_type"] != Wire.JwtBearerAssertion || parameters["client_assertion"] is not { } assertion)
        {
            return OAuthError.InvalidClient("client_assertion and its type go together");
        }

        return new Credentials(parameters["client_id"] ?? ClaimedIssuer.Of(assertion), Secret: null) { Assertion = assertion };
    }

    private static OAuthError OneMethod() => OAuthError.InvalidRequest("The client must use one authentication method, with one client id.");

    private static Credentials? Basic(string parameter)
    {
        try
        {
            var pair = Encoding.UTF8.GetString(Convert.FromBase64String(parameter));
            var colon = pair.IndexOf(':', StringComparison.Ordinal);

            // Both halves are form-encoded before they are joined (RFC 6749 §2.3.1).
            return colon <= 0 ? null : new Credentials(FormDecode(pair[..colon]), FormDecode(pair[(colon + 1)..]));
        }
        catch (FormatException)
        {
            return null;
        }
    }

    private static string FormDecode(string text) => Uri.UnescapeDataString(text.Replace('+', ' '));

    private sealed record Credentials(string? ClientId, string? Secret)
    {
        public string? Assertion { get; init; }

        /// <summary>Besides the name.</summary>
        public bool HasSomething => Secret is not null || Assertion is not null;

        public override string ToString() => ClientId ?? "";
    }
}
