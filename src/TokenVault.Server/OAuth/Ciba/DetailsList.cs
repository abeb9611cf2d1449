using System.Text.Json;
using System.Text.Json.Nodes;
using TokenVault.Server.Http;

namespace TokenVault.Server.OAuth.Ciba;

/// <summary>
/// <c>authorization_details</c> as a person can read them (RFC 9396 §2): every field with its name, in the client's order and without any
/// left out, for what they mean is known to the API alone.
/// </summary>
internal static class DetailsList
{
    public static Html Of(string json) => Html.Join(JsonNode.Parse(json)!.AsArray().Select(Shown));

    private static Html Shown(JsonNode? node) => node switch
    {
        JsonObject fields => Html.Of($"<dl>{Html.Join(fields.Select(field => Html.Of($"<dt>{field.Key}</dt><dd>{Shown(field.Value)}</dd>")))}</dl>"),
        JsonArray items => Html.Of($"<ul>{Html.Join(items.Select(item => Html.Of($"<li>{Shown(item)}</li>")))}</ul>"),
        null => Html.Of($"<em>nothing</em>"),
        _ => Html.Of($"{(node.GetValueKind() == JsonValueKind.String ? node.GetValue<string>() : node.ToJsonString())}"),
    };
}
