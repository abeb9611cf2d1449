using System.Buffers;
using System.Text.Json;
using System.Text.Json.Nodes;
using TokenVault.Server.Keys.Jose;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Keys;

/// <summary>What goes into an access token.</summary>
internal sealed record AccessTokenClaims(string ClientId, string Audience, IReadOnlyList<string> Scopes, TimeSpan Lifetime)
{
    /// <summary>Null when a client acts for itself.</summary>
    public string? UserId { get; init; }

    /// <summary>How the user signed in.</summary>
    public IReadOnlyList<string> Methods { get; init; } = [];

    public string Alg { get; init; } = "RS256";

    /// <summary>The RFC 9068 profile instead of the classic one.</summary>
    public bool Rfc9068 { get; init; }

    public Confirmation BoundTo { get; init; } = Confirmation.None;

    public Delegation Delegation { get; init; } = Delegation.None;

    /// <summary>As JSON (RFC 9396 §9.1).</summary>
    public string? AuthorizationDetails { get; init; }

    /// <summary>What actions put beside the server's own claims.</summary>
    public JsonObject? Custom { get; init; }
}

/// <summary>An access token of this server, verified.</summary>
internal sealed record AccessToken(string ClientId, string? UserId, IReadOnlyList<string> Scopes, IReadOnlyList<string> Audiences, DateTimeOffset ExpiresAt)
{
    /// <summary>How the user signed in.</summary>
    public IReadOnlyList<string> Methods { get; init; } = [];

    /// <summary>Who presents it has to prove these keys.</summary>
    public required Confirmation BoundTo { get; init; }

    public Delegation Delegation { get; init; } = Delegation.None;
}

/// <summary>The access tokens that this server issues and its own APIs accept: JWTs, as contracted for Auth0's SDKs.</summary>
internal sealed class AccessTokens(SigningKeys keys, TokenVaultOptions options, TimeProvider time)
{
    private const string ClientSuffix = "@clients";
    private const string Cnf = "cnf";
    private const string KeyMember = "jkt";
    private const string CertificateMember = "x5t#S256";

    private static readonly string[] Types = ["JWT", "at+jwt"];

    /// <summary>Between nodes of this server, whose clocks an operator keeps together.</summary>
    private static readonly TimeSpan ClockDifference = TimeSpan.FromSeconds(5);

    private readonly KnownAccessTokens _known = new();

    /// <summary>The audience of tokens that only the userinfo endpoint accepts.</summary>
    public string UserinfoAudience { get; } = options.Issuer + "userinfo";

    public Secret Issue(AccessTokenClaims claims)
    {
        var now = time.GetUtcNow();
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("iss", options.Issuer);
            writer.WriteString("sub", claims.UserId ?? claims.ClientId + ClientSuffix);
            WriteAudience(writer, claims);
            writer.WriteNumber("iat", now.ToUnixTimeSeconds());
            writer.WriteNumber("exp", (now + claims.Lifetime).ToUnixTimeSeconds());
            writer.WriteString("scope", Scope.Format(claims.Scopes));
            writer.WriteString(claims.Rfc9068 ? "client_id" : "azp", claims.ClientId);
            writer.WriteString("jti", Identifier.Secret());
            AuthenticationClaims.WriteTo(writer, claims.Methods);
            if (claims.UserId is null)
            {
                writer.WriteString("gty", "client-credentials");
            }

            if (claims.AuthorizationDetails is not null)
            {
                writer.WritePropertyName("authorization_details");
                writer.WriteRawValue(claims.AuthorizationDetails);
            }

            WriteConfirmation(writer, claims.BoundTo);
            claims.Delegation.WriteTo(writer);
            CustomClaims.WriteTo(writer, claims.Custom);
            writer.WriteEndObject();
        }

        return new Secret(keys.Current(claims.Alg).Sign(claims.Rfc9068 ? "at+jwt" : "JWT", buffer.WrittenSpan));
    }

    /// <param name="audience">Null only where it is the token's client that presents it, whatever the token is for.</param>
    /// <param name="problem">Why it is refused: for the log only.</param>
    public AccessToken? Verify(string token, string? audience, out string problem)
    {
        var expected = new JwtExpectations { Issuer = options.Issuer, Audience = audience, Types = Types, Skew = ClockDifference };
        var now = time.GetUtcNow();
        if (_known.TryFind(token, keys.Find, expected, now, out var known, out problem))
        {
            return known;
        }

        VerificationKey? key = null;
        var jwt = JwtVerifier.Verify(token, expected, kid => key = kid is null ? null : keys.Find(kid), now, out problem);
        if (jwt is null || Read(jwt, ref problem) is not { } read)
        {
            return null;
        }

        _known.Keep(token, key!, jwt.Registered, read);
        return read;
    }

    private static AccessToken? Read(VerifiedJwt jwt, ref string problem)
    {
        // An ID token has neither member: it is not an access token, whatever its audience (RFC 8725 §3.11, T-ST-05).
        var clientId = jwt.Text("azp") ?? jwt.Text("client_id");
        if (clientId is null || jwt.Text("scope") is not { } scope || jwt.Subject is not { } subject || jwt.ExpiresAt is not { } expiresAt
            || !Delegation.TryRead(jwt, out var delegation))
        {
            problem = "not an access token";
            return null;
        }

        var isClient = jwt.Text("gty") == "client-credentials";
        var boundTo = new Confirmation { KeyThumbprint = jwt.Text(Cnf, KeyMember), CertificateThumbprint = jwt.Text(Cnf, CertificateMember) };
        return new AccessToken(clientId, isClient ? null : subject, Scope.Parse(scope), jwt.Audiences, expiresAt)
        {
            Methods = jwt.TextList("amr") ?? [],
            BoundTo = boundTo.IsNone ? Confirmation.None : boundTo,
            Delegation = delegation,
        };
    }

    /// <summary>RFC 9449 §6.1, RFC 8705 §3.1.</summary>
    private static void WriteConfirmation(Utf8JsonWriter writer, Confirmation boundTo)
    {
        if (boundTo.IsNone)
        {
            return;
        }

        writer.WriteStartObject(Cnf);
        if (boundTo.KeyThumbprint is { } key)
        {
            writer.WriteString(KeyMember, key);
        }

        if (boundTo.CertificateThumbprint is { } certificate)
        {
            writer.WriteString(CertificateMember, certificate);
        }

        writer.WriteEndObject();
    }

    private void WriteAudience(Utf8JsonWriter writer, AccessTokenClaims claims)
    {
        // With openid, the token is good for the userinfo endpoint too.
        if (claims.UserId is null || claims.Audience == UserinfoAudience || !claims.Scopes.Contains(Wire.OpenId))
        {
            writer.WriteString("aud", claims.Audience);
            return;
        }

        writer.WriteStartArray("aud");
        writer.WriteStringValue(claims.Audience);
        writer.WriteStringValue(UserinfoAudience);
        writer.WriteEndArray();
    }
}
