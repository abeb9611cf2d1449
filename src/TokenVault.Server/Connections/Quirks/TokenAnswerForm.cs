using System.Buffers;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.WebUtilities;

namespace TokenVault.Server.Connections.Quirks;

/// <summary>
/// Token answers are JSON (RFC 6749 §5.1); GitHub and others send a form unless asked otherwise, and some send either under a media
/// type of the other. Applied to every provider.
/// </summary>
internal static class TokenAnswerForm
{
    /// <summary>The body's members, be it JSON or a form; null when it is neither.</summary>
    public static AnswerMembers? Read(ReadOnlySpan<byte> body, string? mediaType)
    {
        body = body.TrimStart(" \t\r\n"u8);
        if (body.StartsWith("{"u8))
        {
            return UpstreamJson.Object(body) is { } json ? AnswerMembers.Of(json) : null;
        }

        var mayBeForm = mediaType is null or "application/x-www-form-urlencoded" or "text/plain";
        return mayBeForm && body.Length > 0 && body.IndexOfAny((byte)'<', (byte)'\n') < 0 ? Form(Encoding.UTF8.GetString(body)) : null;
    }

    private static AnswerMembers? Form(string body)
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

        return UpstreamJson.Object(buffer.WrittenSpan) is { } json ? AnswerMembers.Of(json) : null;
    }
}
