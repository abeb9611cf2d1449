using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;

namespace TokenVault.Tests.Connections.Behaviours;

/// <summary>A request to a provider's double, read as strictly as the strictest of them.</summary>
internal sealed record DoubleRequest(string Method, string Url, Dictionary<string, string> Query, string Body, IHeaderDictionary Headers)
{
    public static async Task<DoubleRequest> ReadAsync(HttpContext context)
    {
        var request = context.Request;
        using var reader = new StreamReader(request.Body, Encoding.UTF8);
        var body = await reader.ReadToEndAsync();
        var query = QueryHelpers.ParseQuery(request.QueryString.Value).ToDictionary(pair => pair.Key, pair => pair.Value.Single()!, StringComparer.Ordinal);
        var address = context.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpRequestFeature>()!.RawTarget;
        return new DoubleRequest(request.Method, $"https://{request.Host}{address}", query, body, request.Headers);
    }

    /// <summary>The body's fields after the client has proved itself in the one way that is taken.</summary>
    public Dictionary<string, string> Client(bool basic, bool json)
    {
        var fields = Fields(json ? "json" : "form");
        var header = Headers.Authorization.ToString();
        if (basic)
        {
            var pair = Encoding.UTF8.GetString(Convert.FromBase64String(header.StartsWith("Basic ", StringComparison.Ordinal) ? header[6..] : "")).Split(':');
            var proven = pair.Length == 2 && WebUtility.UrlDecode(pair[0]) == ProviderDouble.ClientId && WebUtility.UrlDecode(pair[1]) == ProviderDouble.ClientSecret;
            DoubleRefusal.Unless(proven && !fields.ContainsKey("client_id") && !fields.ContainsKey("client_secret"), "client authentication is not client_secret_basic");
            return fields;
        }

        var posted = fields.Remove("client_id", out var id) & fields.Remove("client_secret", out var secret);
        DoubleRefusal.Unless(posted && id == ProviderDouble.ClientId && secret == ProviderDouble.ClientSecret && header.Length == 0, "client authentication is not client_secret_post");
        return fields;
    }

    /// <param name="form"><c>form</c>, <c>json</c> or <c>none</c>.</param>
    public Dictionary<string, string> Fields(string form)
    {
        if (form == "none")
        {
            return [];
        }

        var type = Headers.ContentType.ToString();
        DoubleRefusal.Unless(type.StartsWith(form == "json" ? "application/json" : "application/x-www-form-urlencoded", StringComparison.Ordinal), $"the body is {type}");
        return form == "json"
            ? JsonNode.Parse(Body)!.AsObject().ToDictionary(member => member.Key, member => member.Value!.GetValue<string>(), StringComparer.Ordinal)
            : QueryHelpers.ParseQuery(Body).ToDictionary(pair => pair.Key, pair => pair.Value.Single()!, StringComparer.Ordinal);
    }
}

/// <summary>The double does not play along.</summary>
internal sealed class DoubleRefusal(string message) : Exception(message)
{
    public int Status { get; init; } = 400;

    public string? Body { get; init; }

    public static void Unless(bool holds, string problem)
    {
        if (!holds)
        {
            throw new DoubleRefusal(problem);
        }
    }

    public static void UnlessOnly(Dictionary<string, string> fields, params string[] known) =>
        Unless(!fields.Keys.Except(known).Any(), "unknown fields " + string.Join(' ', fields.Keys.Except(known)));
}
