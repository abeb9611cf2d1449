using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace TokenVault.Cli.Api;

/// <summary>Takes out of a message what nobody else may see, for debug output and plans (T-CL-01).</summary>
internal static partial class Redactor
{
    public const string Mark = "[redacted]";

    /// <summary>Members of JSON, of forms and of queries, by how the field names them.</summary>
    private static readonly HashSet<string> Secret = new(StringComparer.OrdinalIgnoreCase)
    {
        "client_secret", "password", "access_token", "refresh_token", "id_token", "subject_token", "actor_token", "subject_token_proof",
        "client_assertion", "assertion", "token", "code", "code_verifier", "connect_code", "device_code", "user_code", "auth_session", "ticket", "state", "nonce",
        "verification_uri_complete", "id_token_hint", "mfa_token", "otp", "httpAuthorization", "secret", "private_key",
    };

    /// <summary>Also those that nobody has thought of, by how the field names secrets.</summary>
    private static readonly string[] Endings = ["_secret", "_token", "_password", "_assertion", "_otp"];

    public static bool IsSecret(string member) => Secret.Contains(member) || Endings.Any(ending => member.EndsWith(ending, StringComparison.OrdinalIgnoreCase));

    /// <summary>Without the name and the password in it.</summary>
    public static string Url(string text) => UserInfo().Replace(text, $"$1{Mark}@");

    /// <summary>A body as text. What is neither JSON nor a form is told by its length only.</summary>
    public static string Body(string text, string? mediaType)
    {
        if (text.Length == 0)
        {
            return "";
        }

        if (mediaType == "application/x-www-form-urlencoded")
        {
            return Query(text);
        }

        try
        {
            var json = JsonNode.Parse(text);
            return json is JsonObject or JsonArray ? Json(json).ToJsonString() : $"[{text.Length} characters]";
        }
        catch (JsonException)
        {
            return $"[{text.Length} characters]";
        }
    }

    /// <summary>A copy without the secrets.</summary>
    public static JsonNode Json(JsonNode json)
    {
        switch (json)
        {
            case JsonObject members:
                var copy = new JsonObject();
                foreach (var (name, value) in members)
                {
                    copy[name] = value is null ? null : IsSecret(name) && value is JsonValue ? Mark : Json(value);
                }

                return copy;
            case JsonArray items:
                return new JsonArray([.. items.Select(item => item is null ? null : Json(item))]);
            default:
                return json.GetValueKind() != JsonValueKind.String ? json.DeepClone() : Jwt().IsMatch((string)json!) ? Mark : Url((string)json!);
        }
    }

    /// <summary>A URL, or a form: <c>name=value&amp;…</c>.</summary>
    public static string Query(string text) =>
        Pair().Replace(text, pair => IsSecret(pair.Groups[2].Value) ? $"{pair.Groups[1].Value}{pair.Groups[2].Value}={Mark}" : pair.Value);

    [GeneratedRegex("(^|[?&])([^=&?#]+)=([^&#]*)", RegexOptions.NonBacktracking)]
    private static partial Regex Pair();

    /// <summary>It begins with what <c>{"</c> or <c>{ </c> is in base64url; a host's name rarely does.</summary>
    [GeneratedRegex(@"^e[wy][\w-]{8,}\.[\w-]{8,}\.[\w-]*$", RegexOptions.NonBacktracking)]
    private static partial Regex Jwt();

    [GeneratedRegex("^([A-Za-z][A-Za-z0-9+.-]*://)[^/?#]+@", RegexOptions.NonBacktracking)]
    private static partial Regex UserInfo();
}
