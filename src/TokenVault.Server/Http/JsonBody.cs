using System.Net.Mime;
using System.Text.Json;
using Microsoft.Net.Http.Headers;

namespace TokenVault.Server.Http;

/// <summary>A request body as JSON, read strictly: bounded, no duplicate members, no comments, no broken text.</summary>
internal sealed record JsonBody(JsonElement Root, ManagementError? Error)
{
    public const int SizeLimit = 64 * 1024;

    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 16, AllowDuplicateProperties = false };

    public static async Task<JsonBody> ReadAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        if (!IsJson(request.ContentType))
        {
            return new JsonBody(default, ManagementError.InvalidBody("Expected content type application/json"));
        }

        if (request.ContentLength > SizeLimit)
        {
            return new JsonBody(default, ManagementError.TooLarge(SizeLimit));
        }

        var bytes = await ReadBytesAsync(request.Body, cancellationToken);
        return bytes is null ? new JsonBody(default, ManagementError.TooLarge(SizeLimit)) : Parse(bytes.Value);
    }

    public static JsonBody Parse(ReadOnlyMemory<byte> utf8)
    {
        try
        {
            using var document = JsonDocument.Parse(utf8, Strict);
            RequireText(document.RootElement);
            return new JsonBody(document.RootElement.Clone(), Error: null);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The parser's own words would echo the input; the position is enough to find the mistake.
            var place = e is JsonException { LineNumber: { } line } ? $" (line {line + 1})" : "";
            return new JsonBody(default, ManagementError.InvalidBody("Invalid JSON" + place));
        }
    }

    private static bool IsJson(string? contentType) =>
        MediaTypeHeaderValue.TryParse(contentType, out var type)
        && type.MediaType.Equals(MediaTypeNames.Application.Json, StringComparison.OrdinalIgnoreCase)
        && (!type.Charset.HasValue || HeaderUtilities.RemoveQuotes(type.Charset).Equals("utf-8", StringComparison.OrdinalIgnoreCase));

    private static async Task<ReadOnlyMemory<byte>?> ReadBytesAsync(Stream body, CancellationToken cancellationToken)
    {
        var buffer = new byte[SizeLimit + 1];
        var length = await body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken);
        return length > SizeLimit ? null : buffer.AsMemory(0, length);
    }

    /// <summary>Unpaired surrogates parse, and then fail wherever the text is first looked at: look now.</summary>
    private static void RequireText(JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.String:
                _ = element.GetString();
                break;
            case JsonValueKind.Array:
                foreach (var item in element.EnumerateArray())
                {
                    RequireText(item);
                }

                break;
            case JsonValueKind.Object:
                foreach (var member in element.EnumerateObject())
                {
                    _ = member.Name;
                    RequireText(member.Value);
                }

                break;
        }
    }
}
