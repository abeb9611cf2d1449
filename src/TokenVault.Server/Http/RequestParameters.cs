using System.Buffers;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.WebUtilities;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Http;

/// <summary>
/// The parameters of an OAuth request, parsed once at the edge from a query, a form or a JSON body. A repeated parameter is an
/// error (RFC 6749 §3.2), an empty one counts as absent (RFC 6749 §3.1), and one without a known name does no harm.
/// </summary>
internal sealed class RequestParameters
{
    private const int LargestBody = 32 * 1024;
    private const int MostParameters = 256;
    private const int UsualParameters = 8;

    private static readonly JsonDocumentOptions StrictJson = new() { AllowDuplicateProperties = false, MaxDepth = 16 };

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly Dictionary<string, string> _values = new(UsualParameters, StringComparer.Ordinal);
    private HashSet<string>? _notText;

    public static RequestParameters Empty { get; } = new();

    public string? this[string name] => _values.GetValueOrDefault(name);

    public IEnumerable<KeyValuePair<string, string>> All => _values;

    /// <summary>Reads a form or a JSON object; anything else, and anything malformed, is <c>invalid_request</c>.</summary>
    public static async ValueTask<Outcome<RequestParameters>> ReadBodyAsync(HttpRequest request)
    {
        var type = MediaType(request.ContentType);
        if (type is not ("application/json" or "application/x-www-form-urlencoded"))
        {
            return OAuthError.InvalidRequest("The body must be application/x-www-form-urlencoded or application/json.");
        }

        if (request.ContentLength > LargestBody)
        {
            return TooLarge();
        }

        while (true)
        {
            var read = await request.BodyReader.ReadAsync(request.HttpContext.RequestAborted);
            if (read.Buffer.Length > LargestBody)
            {
                request.BodyReader.AdvanceTo(read.Buffer.Start);
                return TooLarge();
            }

            if (read.IsCompleted)
            {
                var parameters = FromBody(type, read.Buffer);
                request.BodyReader.AdvanceTo(read.Buffer.End);
                return parameters;
            }

            request.BodyReader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    /// <summary>Parses a query string or a form body, with or without a leading question mark.</summary>
    public static Outcome<RequestParameters> FromQuery(string query) => FromQuery(query.AsMemory());

    private static Outcome<RequestParameters> FromQuery(ReadOnlyMemory<char> query)
    {
        var parameters = new RequestParameters();
        foreach (var pair in new QueryStringEnumerable(query))
        {
            if (parameters.Add(pair.DecodeName().ToString(), pair.DecodeValue().ToString()) is { } error)
            {
                return error;
            }
        }

        return parameters;
    }

    /// <summary>A parameter that is there, but is a number, an array or the like, is an error where it means something.</summary>
    public OAuthError? RequireText(ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            if (_notText?.Contains(name) == true)
            {
                return OAuthError.InvalidRequest($"The parameter '{name}' must be a string.");
            }
        }

        return null;
    }

    /// <summary>By way of a lent buffer, which is emptied: it has held secrets.</summary>
    private static Outcome<RequestParameters> FromBody(string type, ReadOnlySequence<byte> body)
    {
        var buffer = ArrayPool<char>.Shared.Rent((int)body.Length);
        try
        {
            return !TryDecode(body, buffer, out var length) ? OAuthError.InvalidRequest("The body is not UTF-8.")
                : type == "application/json" ? FromJson(buffer.AsMemory(0, length))
                : FromQuery(buffer.AsMemory(0, length));
        }
        finally
        {
            ArrayPool<char>.Shared.Return(buffer, clearArray: true);
        }
    }

    private static bool TryDecode(ReadOnlySequence<byte> body, Span<char> to, out int length)
    {
        try
        {
            length = Utf8.GetChars(body, to);
            return true;
        }
        catch (ArgumentException)
        {
            length = 0;
            return false;
        }
    }

    private static Outcome<RequestParameters> FromJson(ReadOnlyMemory<char> text)
    {
        try
        {
            using var document = JsonDocument.Parse(text, StrictJson);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                return OAuthError.InvalidRequest("The body must be a JSON object.");
            }

            var parameters = new RequestParameters();
            foreach (var member in document.RootElement.EnumerateObject())
            {
                if (parameters.Add(member) is { } error)
                {
                    return error;
                }
            }

            return parameters;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return OAuthError.InvalidRequest("The body is not a well-formed JSON object without repeated members.");
        }
    }

    private static OAuthError TooLarge() => new(413, "invalid_request", $"The body must not be larger than {LargestBody} bytes.");

    private static string? MediaType(string? contentType)
    {
        if (contentType is null)
        {
            return null;
        }

        var end = contentType.IndexOf(';', StringComparison.Ordinal);
        return (end < 0 ? contentType : contentType[..end]).Trim().ToLowerInvariant();
    }

    private OAuthError? Add(JsonProperty member)
    {
        switch (member.Value.ValueKind)
        {
            case JsonValueKind.String:
                return Add(member.Name, member.Value.GetString()!);
            case JsonValueKind.Null:
                return null;
            default:
                (_notText ??= new HashSet<string>(StringComparer.Ordinal)).Add(member.Name);
                return null;
        }
    }

    private OAuthError? Add(string name, string value)
    {
        if (_values.Count >= MostParameters)
        {
            return OAuthError.InvalidRequest($"There must not be more than {MostParameters} parameters.");
        }

        // A NUL has no place in any parameter, and not every store can hold one.
        if (value.Contains('\0', StringComparison.Ordinal))
        {
            return OAuthError.InvalidRequest($"The parameter '{OAuthError.Shown(name)}' contains a NUL character.");
        }

        if (value.Length == 0)
        {
            return null;
        }

        return _values.TryAdd(name, value)
            ? null
            : OAuthError.InvalidRequest($"The parameter '{OAuthError.Shown(name)}' is repeated.");
    }
}
