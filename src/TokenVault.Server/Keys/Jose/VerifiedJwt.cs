using System.Text.Json;
using System.Text.Json.Nodes;

namespace TokenVault.Server.Keys.Jose;

/// <summary>A JWT whose signature and claims were verified. Only <see cref="JwtVerifier"/>, by <see cref="Check"/>, makes one (T-ST-01).</summary>
internal sealed class VerifiedJwt
{
    private readonly JsonElement _claims;

    private VerifiedJwt(VerifiedJws jws, JsonElement claims, JwtClaims read)
    {
        _claims = claims;
        Type = jws.Header.PlainType();
        KeyId = jws.Header.KeyId;
        Registered = read;
    }

    /// <summary>The header's <c>typ</c> without <c>application/</c>; "" when there was none.</summary>
    public string Type { get; }

    public string? KeyId { get; }

    public JwtClaims Registered { get; }

    public string Issuer => Registered.Issuer;

    public string? Subject => Registered.Subject;

    public IReadOnlyList<string> Audiences => Registered.Audiences;

    public DateTimeOffset? ExpiresAt => Registered.ExpiresAt;

    public DateTimeOffset? IssuedAt => Registered.IssuedAt;

    public string? JwtId => Registered.JwtId;

    /// <summary>The step from a verified signature to a verified token.</summary>
    public static VerifiedJwt? Check(VerifiedJws jws, JwtExpectations expected, DateTimeOffset now, out string problem)
    {
        var type = jws.Header.PlainType();
        if (!expected.Types.Contains(type, StringComparer.Ordinal))
        {
            problem = $"the typ '{Protocol.OAuthError.Shown(type)}' is not the one for this purpose";
            return null;
        }

        if (!StrictJson.TryParseObject(jws.Payload, out var claims))
        {
            problem = "the payload is not a strict JSON object";
            return null;
        }

        var read = JwtClaims.Read(claims.Value, out problem);
        if (read is null)
        {
            return null;
        }

        problem = read.Refusal(Completed(expected, claims.Value), now);
        return problem.Length == 0 ? new VerifiedJwt(jws, claims.Value, read) : null;
    }

    /// <summary>The claim if it is a string.</summary>
    public string? Text(string claim) =>
        _claims.TryGetProperty(claim, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    /// <summary>The member of a claim that is an object, if it is a string.</summary>
    public string? Text(string claim, string member) =>
        _claims.TryGetProperty(claim, out var value) && value.ValueKind == JsonValueKind.Object
        && value.TryGetProperty(member, out var inner) && inner.ValueKind == JsonValueKind.String
            ? inner.GetString()
            : null;

    /// <summary>The claim if it is a whole number in 64 bits.</summary>
    public long? Number(string claim) =>
        _claims.TryGetProperty(claim, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) ? number : null;

    /// <summary>The claim if it is true or false.</summary>
    public bool? Flag(string claim) =>
        _claims.TryGetProperty(claim, out var value) && value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : null;

    /// <summary>The claim if it is a list of strings and of nothing else.</summary>
    public IReadOnlyList<string>? TextList(string claim) =>
        _claims.TryGetProperty(claim, out var value) ? JwtClaims.TextList(value) : null;

    /// <summary>The claim as an object; null when it is absent.</summary>
    /// <returns>False when it is there and is none.</returns>
    public bool TryObject(string claim, out JsonObject? value)
    {
        var found = _claims.TryGetProperty(claim, out var element);
        value = found && element.ValueKind == JsonValueKind.Object ? JsonObject.Create(element.Clone()) : null;
        return !found || value is not null;
    }

    /// <summary>Without the claim the issuer keeps its placeholder, and no token has that.</summary>
    private static JwtExpectations Completed(JwtExpectations expected, JsonElement claims) =>
        expected.IssuerClaim is { } name && claims.TryGetProperty(name, out var claim) && claim.ValueKind == JsonValueKind.String
            ? expected with { Issuer = expected.Issuer.Replace($"{{{name}}}", claim.GetString(), StringComparison.Ordinal) }
            : expected;
}
