using System.Buffers;
using System.Globalization;
using System.Text.Json;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Http;

/// <summary>
/// How the OAuth endpoints answer: <c>application/json</c> without a charset, because SDKs compare it as a whole; never cached
/// (RFC 6749 §5.1); and no WWW-Authenticate, which would hide the error code from the JavaScript SDKs.
/// </summary>
internal static class OAuthResponse
{
    private const int UsualAnswer = 4 * 1024;
    private const int LargestKept = 64 * 1024;

    /// <summary>Between two answers of a thread.</summary>
    [ThreadStatic]
    private static ArrayBufferWriter<byte>? s_buffer;

    public static Task WriteErrorAsync(HttpContext context, OAuthError error)
    {
        if (error.RetryAfter is { } wait)
        {
            var seconds = Math.Max(1, (long)Math.Ceiling(wait.TotalSeconds));
            context.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        }

        return WriteAsync(context, error.Status, writer =>
        {
            writer.WriteString("error", error.Error);
            writer.WriteString("error_description", error.Description);
            if (error.Reason is { } reason)
            {
                writer.WriteString("reason", reason);
            }

            error.MultiFactor?.WriteTo(writer);
            error.Approval?.WriteTo(writer);
            if (error.MissingScopes is { } missing)
            {
                writer.WriteStartArray("missing_scopes");
                foreach (var scope in missing)
                {
                    writer.WriteStringValue(scope);
                }

                writer.WriteEndArray();
            }
        });
    }

    /// <summary>Writes one JSON object; <paramref name="members"/> writes what is in it.</summary>
    public static async Task WriteAsync(HttpContext context, int status, Action<Utf8JsonWriter> members)
    {
        var buffer = s_buffer ?? new ArrayBufferWriter<byte>(UsualAnswer);
        s_buffer = null;
        try
        {
            using (var writer = new Utf8JsonWriter(buffer))
            {
                writer.WriteStartObject();
                members(writer);
                writer.WriteEndObject();
            }

            await WriteAsync(context, status, buffer.WrittenMemory);
        }
        finally
        {
            // It has held a token: emptied, not just rewound.
            buffer.Clear();
            s_buffer = buffer.Capacity <= LargestKept ? buffer : s_buffer;
        }
    }

    public static async Task WriteAsync(HttpContext context, int status, ReadOnlyMemory<byte> json)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = json.Length;
        NoStore(context);
        await context.Response.Body.WriteAsync(json, context.RequestAborted);
    }

    public static void NoStore(HttpContext context)
    {
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers.Pragma = "no-cache";
    }
}
