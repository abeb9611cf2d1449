using System.Text.Json;

namespace TokenVault.Server.Keys.Jose;

/// <summary>The registered claims (RFC 7519 §4.1), of the right types but not yet judged.</summary>
internal sealed record JwtClaims
{
    // The last second of the year 9999.
    private const long LatestDate = 253_402_300_799;

    public required string Issuer { get; init; }

    public string? Subject { get; init; }

    public required IReadOnlyList<string> Audiences { get; init; }

    public bool AudienceIsList { get; init; }

    public DateTimeOffset? ExpiresAt { get; init; }

    public DateTimeOffset? NotBefore { get; init; }

    public DateTimeOffset? IssuedAt { get; init; }

    public string? JwtId { get; init; }

    public static JwtClaims? Read(JsonElement claims, out string problem)
    {
        problem = "";
        var bad = "";
        var issuer = Text(claims, "iss", ref bad);
        var subject = Text(claims, "sub", ref bad);
        var jwtId = Text(claims, "jti", ref bad);
        var expiresAt = Date(claims, "exp", ref bad);
        var notBefore = Date(claims, "nbf", ref bad);
        var issuedAt = Date(claims, "iat", ref bad);
        var audiences = Audience(claims, out var isList);
        if (bad.Length > 0 || issuer is null || audiences is null)
        {
            problem = bad.Length > 0 ? $"the claim '{bad}' is not of its type" : "iss or aud is missing or not of its type";
            return null;
        }

        return new JwtClaims
        {
            Issuer = issuer,
            Subject = subject,
            Audiences = audiences,
            AudienceIsList = isList,
            ExpiresAt = expiresAt,
            NotBefore = notBefore,
            IssuedAt = issuedAt,
            JwtId = jwtId,
        };
    }

    public static IReadOnlyList<string>? TextList(JsonElement value) =>
        value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String)
            ? [.. value.EnumerateArray().Select(item => item.GetString()!)]
            : null;

    /// <summary>Why the claims do not do; "" when they do.</summary>
    public string Refusal(JwtExpectations expected, DateTimeOffset now)
    {
        if (!string.Equals(Issuer, expected.Issuer, StringComparison.Ordinal))
        {
            return "the issuer is another one";
        }

        if (expected.Audience is { } audience
            && !Audiences.Any(aud => string.Equals(aud, audience, StringComparison.Ordinal) || expected.OtherAudiences.Contains(aud, StringComparer.Ordinal)))
        {
            return "the audience is another one";
        }

        return expected.SingleAudience && AudienceIsList ? "the audience is a list" : TimeRefusal(expected, now);
    }

    private string TimeRefusal(JwtExpectations expected, DateTimeOffset now)
    {
        if (ExpiresAt is null && expected.RequireExpiry)
        {
            return "exp is missing";
        }

        // Differences, not sums: a date at the end of the calendar plus a skew would overflow.
        if (now - ExpiresAt >= expected.Skew && !expected.AllowExpired)
        {
            return "the token is expired";
        }

        if (NotBefore - now > expected.Skew || IssuedAt - now > expected.Skew)
        {
            return "the token is from the future";
        }

        if (ExpiresAt - now > expected.MaxLifetime + expected.Skew || ExpiresAt - IssuedAt > expected.MaxLifetime)
        {
            return "the token lives too long";
        }

        return expected.MaxAge is { } age && (IssuedAt is null || now - IssuedAt > age + expected.Skew) ? "the token is too old, or iat is missing" : "";
    }

    public static string? Text(JsonElement claims, string name, ref string bad)
    {
        if (!claims.TryGetProperty(name, out var value))
        {
            return null;
        }

        if (value.ValueKind == JsonValueKind.String)
        {
            return value.GetString();
        }

        bad = name;
        return null;
    }

    /// <summary>Whole seconds only: fractions, exponents and signs are where parsers disagree (T-CA-07).</summary>
    public static DateTimeOffset? Date(JsonElement claims, string name, ref string bad)
    {
        if (!claims.TryGetProperty(name, out var value))
        {
            return null;
        }

        if (value.ValueKind == JsonValueKind.Number
            && value.TryGetInt64(out var seconds)
            && seconds is >= 0 and <= LatestDate
            && value.GetRawText().All(char.IsAsciiDigit))
        {
            return DateTimeOffset.FromUnixTimeSeconds(seconds);
        }

        bad = name;
        return null;
    }

    private static IReadOnlyList<string>? Audience(JsonElement claims, out bool isList)
    {
        isList = false;
        if (!claims.TryGetProperty("aud", out var value))
        {
            return null;
        }

        if (value.ValueKind == JsonValueKind.String)
        {
            return [value.GetString()!];
        }

        isList = true;
        return TextList(value);
    }
}
