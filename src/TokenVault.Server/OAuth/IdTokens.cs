using System.Buffers;
using System.Text.Json;
using TokenVault.Server.Clients;
using TokenVault.Server.Keys;
using TokenVault.Server.Keys.Jose;
using TokenVault.Server.Users;

namespace TokenVault.Server.OAuth;

/// <summary>ID tokens (OpenID Connect Core §2).</summary>
internal sealed class IdTokens(SigningKeys keys, TokenVaultOptions options, TimeProvider time)
{
    public Secret Issue(Client client, User user, IReadOnlyList<string> scopes, IdTokenContext about)
    {
        var now = time.GetUtcNow();
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("iss", options.Issuer);
            writer.WriteString("aud", client.ClientId);
            writer.WriteNumber("iat", now.ToUnixTimeSeconds());
            writer.WriteNumber("exp", now.AddSeconds(client.JwtConfiguration.LifetimeInSeconds).ToUnixTimeSeconds());
            writer.WriteNumber("auth_time", about.AuthenticatedAt.ToUnixTimeSeconds());
            AuthenticationClaims.WriteTo(writer, about.Methods);
            if (about.SessionId is not null)
            {
                writer.WriteString("sid", about.SessionId);
            }

            if (about.Nonce is not null)
            {
                writer.WriteString("nonce", about.Nonce);
            }

            UserClaims.WriteTo(writer, user, scopes);
            writer.WriteEndObject();
        }

        return new Secret(keys.Current(client.JwtConfiguration.Alg).Sign("JWT", buffer.WrittenSpan));
    }

    /// <summary>The user of a live ID token of this client's, and since when it says so; null when it is none, or not any more.</summary>
    public IdTokenProof? ReadProof(string token, string clientId)
    {
        var expected = new JwtExpectations { Issuer = options.Issuer, Audience = clientId, Types = ["JWT"] };
        return JwtVerifier.Verify(token, expected, kid => kid is null ? null : keys.Find(kid), time.GetUtcNow(), out _) is { IssuedAt: { } at }
            && ReadHint(token, clientId) is { } hint
            ? new IdTokenProof(hint.Subject, at)
            : null;
    }

    /// <summary>A live ID token of this client's, with all that an exchange asks of it; null when it is none.</summary>
    public IdTokenSubject? ReadSubject(string token, string clientId)
    {
        var expected = new JwtExpectations { Issuer = options.Issuer, Audience = clientId, Types = ["JWT"], SingleAudience = true };
        var jwt = JwtVerifier.Verify(token, expected, kid => kid is null ? null : keys.Find(kid), time.GetUtcNow(), out _);
        return jwt is { Subject: { } subject, IssuedAt: { } issuedAt, ExpiresAt: { } expiresAt } && ReadHint(token, clientId) is not null
            && Delegation.TryRead(jwt, out var delegation)
            ? new IdTokenSubject(new IdTokenProof(subject, issuedAt), expiresAt, jwt.Text("sid"), jwt.TextList("amr") ?? [], delegation)
            : null;
    }

    /// <summary>An ID token of ours as a hint: it may have expired. Null when it is not ours, or not this client's.</summary>
    /// <param name="clientId">Null to take the client that the token itself names.</param>
    public IdTokenHint? ReadHint(string token, string? clientId)
    {
        var expected = new JwtExpectations { Issuer = options.Issuer, Audience = clientId, Types = ["JWT"], AllowExpired = true };
        var jwt = JwtVerifier.Verify(token, expected, kid => kid is null ? null : keys.Find(kid), time.GetUtcNow(), out _);

        // An access token has a scope and no auth_time: it is no ID token, though one key signs both (RFC 8725 §3.11, T-ST-05).
        return jwt is { Subject: { } subject, Audiences: [var audience] } && jwt.Number("auth_time") is not null && jwt.Text("scope") is null
            ? new IdTokenHint(subject, audience, jwt.Text("sid"))
            : null;
    }
}

/// <param name="AuthenticatedAt">When the user last proved who they are.</param>
/// <param name="Methods">How.</param>
internal sealed record IdTokenContext(DateTimeOffset AuthenticatedAt, IReadOnlyList<string> Methods, string? SessionId, string? Nonce);

internal sealed record IdTokenProof(string Subject, DateTimeOffset IssuedAt)
{
    /// <summary>It is older than the user: a proof of who they were before their identity was linked and unlinked (T-CF-08).</summary>
    /// <remarks>
    /// It tells whole seconds only. One of the very second of the unlinking may be from before it, and is none; a user who is new has no
    /// proofs from before, and links in the second in which they signed up.
    /// </remarks>
    public bool Precedes(User user) =>
        IssuedAt.ToUnixTimeSeconds() is var at && (at < user.CreatedAt.ToUnixTimeSeconds() || at <= user.UnlinkedAt?.ToUnixTimeSeconds());
}

/// <param name="SessionId">Null where the user was in none.</param>
internal sealed record IdTokenSubject(IdTokenProof Proof, DateTimeOffset ExpiresAt, string? SessionId, IReadOnlyList<string> Methods, Delegation Delegation);

internal sealed record IdTokenHint(string Subject, string ClientId, string? SessionId);
