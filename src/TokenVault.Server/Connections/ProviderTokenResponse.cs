using System.Buffers;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.WebUtilities;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Connections;

/// <summary>A token endpoint's answer (RFC 6749 §5), read with the leniency that real providers need.</summary>
internal sealed record ProviderTokenResponse(ProviderTokens Tokens, string? IdToken)
{
    private const string Endpoint = "the token endpoint";
    private const int LongestToken = 16 * 1024;
    private const double LongestLifetime = 10d * 365 * 24 * 60 * 60;

    public static ProviderResult<ProviderTokenResponse> Read(UpstreamAnswer answer, Provider provider)
    {
        if (Fields(answer) is not { } fields)
        {
            var unread = ProviderFailures.Of(Endpoint, answer, code: null, provider);
            return Failed(Unreadable(answer, $"{Endpoint} answered {(int)answer.Status} with neither JSON nor a form") ?? unread);
        }

        if (ErrorCode(fields) is { } code || answer.Status is not (HttpStatusCode.OK or HttpStatusCode.Created))
        {
            return Failed(ProviderFailures.Of(Endpoint, answer, ErrorCode(fields), provider));
        }

        var json = Holder(fields, provider);
        if (Token(json, "access_token") is not { } accessToken)
        {
            var none = $"{Endpoint} answered without an access token";
            return Failed(Unreadable(answer, none) ?? new ProviderFailure(ProviderFailureKind.Unavailable, none));
        }

        var tokens = new ProviderTokens(
            new Secret(accessToken),
            Token(json, "refresh_token") is { } refreshToken ? new Secret(refreshToken) : null,
            Scopes(json, "scope") ?? Scopes(json, "scopes"),
            (Lifetime(json) ?? provider.AccessTokenLifetime) is { } seconds ? answer.SentAt.AddSeconds(seconds) : null);
        return new(new ProviderTokenResponse(tokens, json.Text("id_token") ?? fields.Text("id_token")), null);
    }

    /// <summary>A success that cannot be read: the tokens may be in it, so it is handed on for safekeeping (F-16).</summary>
    private static ProviderFailure? Unreadable(UpstreamAnswer answer, string detail) =>
        answer.Status is HttpStatusCode.OK or HttpStatusCode.Created
            ? new ProviderFailure(ProviderFailureKind.OutcomeUnknown, detail) { UnreadAnswer = new Secret(Encoding.UTF8.GetString(answer.Body)) }
            : null;

    /// <summary>The body's members, be it JSON or a form: providers send either under whatever media type.</summary>
    private static JsonElement? Fields(UpstreamAnswer answer)
    {
        var body = answer.Body.AsSpan().TrimStart(" \t\r\n"u8);
        if (body.StartsWith("{"u8))
        {
            return UpstreamJson.Object(body);
        }

        var mayBeForm = answer.MediaType is null or "application/x-www-form-urlencoded" or "text/plain";
        return mayBeForm && body.Length > 0 && body.IndexOfAny((byte)'<', (byte)'\n') < 0 ? Form(Encoding.UTF8.GetString(body)) : null;
    }

    private static JsonElement? Form(string body)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            foreach (var (name, values) in QueryHelpers.ParseQuery(body))
            {
                if (values.Count != 1)
                {
                    return null;
                }

                writer.WriteString(name, values[0]);
            }

            writer.WriteEndObject();
        }

        return UpstreamJson.Object(buffer.WrittenSpan);
    }

    /// <summary>GitHub sends errors with 200, Slack <c>ok:false</c>; some put an object where the code belongs.</summary>
    private static string? ErrorCode(JsonElement fields)
    {
        var refused = fields.TryGetProperty("ok", out var ok) && ok.ValueKind == JsonValueKind.False;
        if (!fields.TryGetProperty("error", out var error))
        {
            return refused ? "unknown" : null;
        }

        return error.ValueKind switch
        {
            JsonValueKind.String => fields.Text("error") ?? (refused ? "unknown" : null),
            JsonValueKind.Object => error.Text("code") ?? error.Text("type") ?? error.Text("status") ?? "unknown",
            JsonValueKind.True or JsonValueKind.Number => "unknown",
            _ => refused ? "unknown" : null,
        };
    }

    private static JsonElement Holder(JsonElement fields, Provider provider) =>
        provider.TokenResponsePath is { } path && fields.TryGetProperty(path, out var inner) && inner.ValueKind == JsonValueKind.Object
            ? inner
            : fields;

    /// <summary>RFC 6749 appendix A.12: visible ASCII. Anything else could not be sent in a header again.</summary>
    private static string? Token(JsonElement json, string member) =>
        json.Text(member) is { Length: <= LongestToken } token && token.All(c => c is >= ' ' and <= '~') ? token : null;

    /// <summary>Absent: as asked for. A string with spaces or commas, or an array.</summary>
    private static IReadOnlyList<string>? Scopes(JsonElement json, string member)
    {
        if (!json.TryGetProperty(member, out var value))
        {
            return null;
        }

        var scopes = value.ValueKind switch
        {
            JsonValueKind.String when value.ValueEquals(""u8) => [],
            JsonValueKind.String => json.Text(member) is { } text ? Scope.ParseLenient(text) : null,
            JsonValueKind.Array => json.Texts(member)!,
            _ => null,
        };
        return scopes is null ? null : [.. scopes.Where(Scope.IsToken).Distinct(StringComparer.Ordinal)];
    }

    /// <summary>Zero and less say nothing that one could act on, so they count as not said; more than ten years as ten.</summary>
    private static int? Lifetime(JsonElement json)
    {
        if (json.At("expires_in") is not { } text
            || !double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds)
            || double.IsNaN(seconds)
            || seconds < 1)
        {
            return null;
        }

        return (int)Math.Min(seconds, LongestLifetime);
    }

    private static ProviderResult<ProviderTokenResponse> Failed(ProviderFailure failure) => new(null, failure);
}
