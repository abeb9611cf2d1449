using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace TokenVault.Client.Agents;

/// <summary>What exactly a user is asked: an approval of one call is none of another, although both read the same.</summary>
internal sealed record Question(string User, string Message, string Scopes, string? Audience, string Arguments)
{
    public static Question Of(ApprovalRequest request, AIFunctionArguments arguments, JsonSerializerOptions options) => new(
        request.UserId,
        request.BindingMessage,
        string.Join(' ', request.Scopes) + "\n" + request.AuthorizationDetails,
        request.Audience,
        string.Join('\n', arguments.OrderBy(argument => argument.Key, StringComparer.Ordinal).Select(argument => $"{argument.Key}={Text(argument.Value, options)}")));

    /// <summary>As JSON, in which no line ends.</summary>
    private static string Text(object? value, JsonSerializerOptions options) => value switch
    {
        null => "null",
        JsonElement json => json.ValueKind is JsonValueKind.String ? Text(json.GetString()!) : json.GetRawText().ReplaceLineEndings(" "),
        string text => Text(text),
        bool flag => flag ? "true" : "false",
        IFormattable formattable => formattable.ToString(null, CultureInfo.InvariantCulture),
        _ => JsonSerializer.Serialize(value, options.GetTypeInfo(value.GetType())),
    };

    private static string Text(string text) => $"\"{JsonEncodedText.Encode(text)}\"";
}
