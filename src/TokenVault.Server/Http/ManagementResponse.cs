using System.Buffers;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace TokenVault.Server.Http;

/// <summary>The one place that writes what the Management API answers, refusals included.</summary>
internal static class ManagementResponse
{
    public static async Task WriteAsync(HttpContext context, ManagementAnswer answer)
    {
        var response = context.Response;
        response.StatusCode = answer.Status;
        response.Headers.CacheControl = "no-store";
        response.Headers.XContentTypeOptions = "nosniff";
        if (answer.Error is { Status: 401 } unauthorized && response.Headers.WWWAuthenticate.Count == 0)
        {
            // RFC 6750 §3: a request without a token learns no error code.
            response.Headers.WWWAuthenticate = unauthorized == ManagementGate.MissingToken ? "Bearer" : "Bearer error=\"invalid_token\"";
        }

        if (answer.Error is { Status: 429 })
        {
            response.Headers.RetryAfter = "1";
        }

        if (answer.EntityTag is not null)
        {
            response.Headers.ETag = answer.EntityTag;
        }

        if (answer.Link is { } link)
        {
            response.Headers.Link = link;
        }

        var body = answer.Error is { } error ? Envelope(error) : answer.Body;
        if (body is null)
        {
            return;
        }

        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            body.WriteTo(writer);
        }

        response.ContentType = "application/json; charset=utf-8";
        response.ContentLength = buffer.WrittenCount;
        await response.Body.WriteAsync(buffer.WrittenMemory, context.RequestAborted);
    }

    private static JsonObject Envelope(ManagementError error)
    {
        var envelope = new JsonObject
        {
            ["statusCode"] = error.Status,
            ["error"] = error.Phrase,
            ["message"] = error.Message,
        };
        if (error.Code is not null)
        {
            envelope["errorCode"] = error.Code;
        }

        if (error.Attribute is not null)
        {
            envelope["attributes"] = new JsonObject { ["error"] = error.Attribute };
        }

        return envelope;
    }
}
