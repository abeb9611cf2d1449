using TokenVault.Server.Http;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Clients;

/// <summary>The part of a client's body that is about its credentials and what they are for.</summary>
internal sealed class ClientAccessBody
{
    private readonly DateTimeOffset _now;
    private readonly List<ClientCredential> _pool;

    private ClientAccessBody(Client client, DateTimeOffset now)
    {
        _now = now;
        _pool = [.. client.Credentials];
    }

    /// <param name="current">As stored.</param>
    /// <param name="client">With the rest of the body laid over it.</param>
    public static Client Read(BodyReader body, Client current, Client client, DateTimeOffset now)
    {
        var reading = new ClientAccessBody(current, now);
        client = reading.ReadMethods(body, current, client);
        client = client with
        {
            PrivilegedAccess = body.Nested("token_vault_privileged_access", current.PrivilegedAccess, fallback: null, inner => reading.ReadAccess(inner, current.PrivilegedAccess)),
        };
        return WithCredentials(body, client, reading._pool);
    }

    /// <summary>What holds among all credentials of a client.</summary>
    public static Client WithCredentials(BodyReader body, Client client, IReadOnlyList<ClientCredential> credentials)
    {
        if (credentials.Count > ClientCredential.MostOfAClient)
        {
            body.Refuse($"A client has at most {ClientCredential.MostOfAClient} credentials", "");
        }

        var keys = credentials.Where(credential => credential.Kid is not null).ToList();
        if (keys.DistinctBy(key => key.Kid, StringComparer.Ordinal).Count() != keys.Count)
        {
            body.Refuse("The client has another credential with this kid", "");
        }

        return client with { Credentials = [.. credentials] };
    }

    /// <summary>One method, and one only: with several, a caller could choose the weakest (T-CA-03).</summary>
    private Client ReadMethods(BodyReader body, Client current, Client client)
    {
        var choice = body.Nested<Choice?>("client_authentication_methods", current: null, Choice.None, ReadChoice);
        var method = client.TokenEndpointAuthMethod;
        if (choice is null)
        {
            if (current.AuthenticationCredentials.Count > 0 && method != current.TokenEndpointAuthMethod)
            {
                body.Refuse("Set client_authentication_methods to null in the same request", "token_endpoint_auth_method");
            }

            return client;
        }

        if (choice.Method is null)
        {
            return client with { AuthenticationCredentials = [] };
        }

        if (body.Has("token_endpoint_auth_method") && !body.IsNull("token_endpoint_auth_method") && method != choice.Method)
        {
            body.Refuse("Either a token_endpoint_auth_method or client_authentication_methods", "token_endpoint_auth_method");
        }

        return client with { TokenEndpointAuthMethod = choice.Method, AuthenticationCredentials = choice.Credentials };
    }

    private Choice ReadChoice(BodyReader body)
    {
        var choices = new[] { (Client.PrivateKeyJwt, ClientCredential.PublicKey), (Client.Tls, ClientCredential.CertifiedName), (Client.SelfSignedTls, ClientCredential.Certificate) }
            .Select(method => body.Nested<Choice?>(method.Item1, current: null, fallback: null, inner => new Choice(method.Item1, ReadCredentials(inner, [], method.Item2))))
            .OfType<Choice>()
            .ToList();
        if (choices.Count > 1)
        {
            body.Refuse("Expected one authentication method", "");
        }

        return choices.FirstOrDefault() ?? Choice.None;
    }

    private PrivilegedAccess ReadAccess(BodyReader body, PrivilegedAccess? current)
    {
        current ??= new PrivilegedAccess();
        var access = new PrivilegedAccess
        {
            Credentials = ReadCredentials(body, current.Credentials, ClientCredential.PublicKey),

            // Absent keeps what there is: a tool that only attaches a key must not open the list that it does not know of (T-PW-06).
            IpAllowlist = !body.Has("ip_allowlist") ? current.IpAllowlist
                : body.IsNull("ip_allowlist") ? null
                : body.Texts("ip_allowlist", [], PrivilegedAccess.MostAddresses, AddressProblem),
            Grants = !body.Has("grants") ? current.Grants
                : body.IsNull("grants") ? null
                : body.Objects("grants", [], PrivilegedAccess.MostGrants, ReadGrant),
            RequestsPerMinute = body.Number("requests_per_minute", current.RequestsPerMinute, 0, 0, 1_000_000),
            UsersPerHour = body.Number("users_per_hour", current.UsersPerHour, 0, 0, 1_000_000),
        };
        if (access.Grants is { } grants)
        {
            CheckGrants(body, grants);
        }

        return access;
    }

    private static void CheckGrants(BodyReader body, IReadOnlyList<PrivilegedGrant> grants)
    {
        if (grants.DistinctBy(grant => grant.Connection, StringComparer.Ordinal).Count() != grants.Count)
        {
            body.Refuse("A connection has one grant", "grants");
        }

        if (grants.Sum(grant => grant.Scopes.Count) > PrivilegedAccess.MostScopes)
        {
            body.Refuse($"The grants have at most {PrivilegedAccess.MostScopes} scopes together", "grants");
        }
    }

    private static PrivilegedGrant ReadGrant(BodyReader body) => new()
    {
        Connection = body.RequiredText("connection", "", 128),
        Scopes = body.Texts("scopes", [], PrivilegedAccess.MostScopes, scope => Scope.IsToken(scope) ? null : "Not a scope (RFC 6749 §3.3)"),
    };

    /// <summary>Credentials that the client has, by id; or new ones, which it is given with this.</summary>
    private IReadOnlyList<string> ReadCredentials(BodyReader body, IReadOnlyList<string> current, string type)
    {
        if (!body.Has("credentials"))
        {
            if (current.Count == 0)
            {
                body.Refuse("Missing required property: credentials", "");
            }

            return current;
        }

        var ids = body.Objects("credentials", [], ClientCredential.MostInUse, item => ReadCredential(item, type));
        if (ids.Count == 0)
        {
            body.Refuse("Expected a credential", "credentials");
        }

        return ids.Distinct(StringComparer.Ordinal).Count() == ids.Count ? ids : Twice(body);
    }

    private static IReadOnlyList<string> Twice(BodyReader body)
    {
        body.Refuse("Array items are not unique", "credentials");
        return [];
    }

    private string ReadCredential(BodyReader body, string type)
    {
        var id = body.Text("id", current: null, 64);
        var credential = id is null ? ClientCredentialBody.Read(body, _now) : _pool.Find(credential => credential.Id == id);
        if (credential is null)
        {
            body.Refuse("The client has no such credential", "id");
            return "";
        }

        if (credential.CredentialType != type)
        {
            body.Refuse($"Expected a credential of the type {type}", "");
        }

        if (id is null)
        {
            _pool.Add(credential);
        }

        return credential.Id;
    }

    private static string? AddressProblem(string text)
    {
        if (!Network.TryParse(text, out var network))
        {
            return "Expected an address or a network in CIDR notation with zero host bits";
        }

        return network.PrefixLength == 0 ? "A list that holds every address is no list: leave it out" : null;
    }

    private sealed record Choice(string? Method, IReadOnlyList<string> Credentials)
    {
        public static Choice None { get; } = new(null, []);
    }
}
