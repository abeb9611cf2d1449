using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using TokenVault.Server.Audit;
using TokenVault.Server.Http;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Clients;

/// <summary>
/// Who calls the token endpoint (RFC 6749 §2.3). One method per request; whatever is presented must verify, never fall back
/// to another method (T-CA-03, T-CA-04). Unknown client and wrong secret look and cost the same (T-CA-08).
/// </summary>
internal sealed class ClientAuthenticator(RecordCache cache, KeyRing ring, AttemptLimiter limiter, IStorage storage, AuditLog audit)
{
    private const string BasicScheme = "Basic";

    /// <summary>A minute, from one network.</summary>
    private const int MostFailuresOfStrangers = 200;

    /// <summary>A minute, from one network.</summary>
    private const int MostUnknownTraced = 60;

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
            return OAuthError.TooManyRequests(wait);
        }

        var client = await cache.FindAsync<Client>(clientId, context.RequestAborted);
        if (!Verify(client, credentials.Secret))
        {
            limiter.Failed(key);
            await TraceAsync(context, parameters, client);
            return OAuthError.InvalidClient(client is null ? "unknown client" : "wrong credentials");
        }

        // Anybody may call as a public client, and each failure of theirs is written to the log: not without end (T-DO-06).
        return client!.IsPublic && limiter.Begin(StrangerKey(context, client), MostFailuresOfStrangers) is { } longer
            ? OAuthError.TooManyRequests(longer)
            : client;
    }

    /// <summary>The request that was let in has succeeded: it does not count against a public client's callers.</summary>
    public void Served(HttpContext context, Client client)
    {
        if (client.IsPublic)
        {
            limiter.Forgive(StrangerKey(context, client));
        }
    }

    /// <summary>Nobody can fill the log with names that they make up: an unknown client's is left out, and only so many are told of.</summary>
    private async ValueTask TraceAsync(HttpContext context, RequestParameters parameters, Client? client)
    {
        var type = parameters["grant_type"] switch
        {
            Wire.AuthorizationCode => AuditType.FailedCodeExchange,
            Wire.RefreshToken => AuditType.FailedRefreshExchange,
            Wire.ClientCredentials => AuditType.FailedClientCredentials,
            Wire.FederatedExchange => AuditType.FailedVaultExchange,
            _ => null,
        };
        if (type is null || (client is null && limiter.Begin($"unknown clients {CallerNetwork.Of(context)}", MostUnknownTraced) is not null))
        {
            return;
        }

        var origin = RequestOrigin.Of(context);
        await storage.CommitAsync(new Batch().Append(audit.Row(new AuditEvent
        {
            Type = type,
            Description = client is null ? "Unknown client" : "Wrong client credentials",
            ClientId = client?.ClientId,
            ClientName = client?.Name,
            Ip = origin.Ip,
            UserAgent = origin.UserAgent,
            Details = type == AuditType.FailedVaultExchange
                ? new JsonObject { ["subject_token_type"] = SubjectTokenType(parameters), ["failure_reason"] = "invalid_client", ["is_privileged_worker"] = false }
                : null,
        })));
    }

    /// <summary>Whoever writes something else there has written nothing for the log.</summary>
    private static string SubjectTokenType(RequestParameters parameters) =>
        parameters["subject_token_type"] switch
        {
            Wire.RefreshTokenType => Wire.RefreshTokenType,
            Wire.AccessTokenType => Wire.AccessTokenType,
            _ => "unknown",
        };

    private static string StrangerKey(HttpContext context, Client client) => $"public {client.ClientId} {CallerNetwork.Of(context)}";

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
        var byHeader = header.Any(value => value?.StartsWith(BasicScheme, StringComparison.OrdinalIgnoreCase) == true);
        var byAssertion = parameters["client_assertion"] is not null || parameters["client_assertion_type"] is not null;
        if ((byHeader ? 1 : 0) + (byAssertion ? 1 : 0) + (body.Secret is null ? 0 : 1) > 1)
        {
            return OneMethod();
        }

        if (byAssertion)
        {
            return OAuthError.InvalidClient("a client assertion, which no client is registered for");
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
        public override string ToString() => ClientId ?? "";
    }
}
