using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace TokenVault.Server.Http;

/// <summary>
/// What SDKs say of themselves, in the header <c>Auth0-Client</c> or, where a browser navigates, the parameter <c>auth0Client</c>: base64 of
/// <c>{name, version, env}</c>. Anybody may write anything there: only short plain texts are taken, and the rest is nothing for the log.
/// </summary>
internal static partial class SdkName
{
    private const int LongestHeader = 2048;
    private const int MostOfEnvironment = 10;

    public static JsonObject? Read(HttpRequest request)
    {
        var encoded = request.Headers.TryGetValue("Auth0-Client", out var header) ? header.ToString() : request.Query["auth0Client"].ToString();
        if (encoded.Length is 0 or > LongestHeader || Decode(encoded) is not { } bytes)
        {
            return null;
        }

        try
        {
            using var document = JsonDocument.Parse(bytes, new JsonDocumentOptions { MaxDepth = 4 });
            return document.RootElement.ValueKind == JsonValueKind.Object ? Of(document.RootElement) : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static JsonObject? Of(JsonElement told)
    {
        var sdk = new JsonObject();
        foreach (var name in (string[])["name", "version"])
        {
            if (told.TryGetProperty(name, out var value) && TextOf(value) is { } text)
            {
                sdk[name] = text;
            }
        }

        if (told.TryGetProperty("env", out var environment) && environment.ValueKind == JsonValueKind.Object)
        {
            var env = new JsonObject();
            foreach (var member in environment.EnumerateObject().Where(member => Plain().IsMatch(member.Name)).Take(MostOfEnvironment))
            {
                env[member.Name] = TextOf(member.Value);
            }

            sdk["env"] = env;
        }

        return sdk.Count == 0 ? null : sdk;
    }

    private static string? TextOf(JsonElement value) =>
        value.ValueKind == JsonValueKind.String && value.GetString() is { } text && Plain().IsMatch(text) ? text : null;

    private static byte[]? Decode(string encoded)
    {
        var plain = encoded.Replace('-', '+').Replace('_', '/').TrimEnd('=');
        var bytes = new byte[plain.Length];
        return Convert.TryFromBase64String(plain.PadRight((plain.Length + 3) / 4 * 4, '='), bytes, out var written) ? bytes[..written] : null;
    }

    [GeneratedRegex(@"^[A-Za-z0-9 @/._+()-]{1,64}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Plain();
}
