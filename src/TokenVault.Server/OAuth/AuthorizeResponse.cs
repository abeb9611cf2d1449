using TokenVault.Server.Http;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.OAuth;

/// <summary>Takes the outcome of an authorization request back to the client, in the response mode it asked for.</summary>
/// <param name="Issuer">Goes with every answer, so that a client can tell which of its servers it is from (RFC 9207 §2, T-CF-06).</param>
internal sealed record AuthorizeResponse(string Issuer, ResponseMode Mode, string RedirectUri, string? State)
{
    private const string SubmitScript = "document.forms[0].submit()";

    /// <summary>The message that single-page applications wait for when they renew silently in a frame.</summary>
    private const string MessageScript = """
        (function(){var d=document.getElementById('response').dataset;
        var w=window.opener||window.parent;if(!w||w===window)return;
        w.postMessage({type:'authorization_response',response:JSON.parse(d.response)},d.target)})()
        """;

    public static ResponseMode? ModeOf(string? text) => text switch
    {
        null or "query" => ResponseMode.Query,
        "fragment" => ResponseMode.Fragment,
        "form_post" => ResponseMode.FormPost,
        "web_message" => ResponseMode.WebMessage,
        _ => null,
    };

    public Task ErrorAsync(HttpContext context, OAuthError error) => Mode == ResponseMode.Page
        ? Page.Error(error.Status, "The request cannot be served", error.Description).WriteAsync(context)
        : WriteAsync(context, KeyValuePair.Create("error", error.Error), KeyValuePair.Create("error_description", error.Description));

    public Task WriteAsync(HttpContext context, params IEnumerable<KeyValuePair<string, string>> members)
    {
        List<KeyValuePair<string, string>> all = [.. members, new("iss", Issuer)];
        if (State is not null)
        {
            all.Add(new("state", State));
        }

        switch (Mode)
        {
            case ResponseMode.FormPost:
                return FormPost(RedirectUri, all).WriteAsync(context);
            case ResponseMode.WebMessage:
                return WebMessage(RedirectUri, all).WriteAsync(context);
            default:
                OAuthResponse.NoStore(context);
                context.Response.Redirect(Mode == ResponseMode.Fragment ? Urls.WithFragment(RedirectUri, all) : Urls.WithQuery(RedirectUri, all));
                return Task.CompletedTask;
        }
    }

    private static Page FormPost(string redirectUri, List<KeyValuePair<string, string>> members)
    {
        var inputs = Html.Join(members.Select(m => Html.Of($"<input type=\"hidden\" name=\"{m.Key}\" value=\"{m.Value}\">")));
        var body = Html.Of($"""
            <h1>One moment</h1><form method="post" action="{redirectUri}">{inputs}<button type="submit">Continue</button></form>
            """);
        return new Page("Back to the application", body) { Script = SubmitScript, FormTarget = Urls.PolicySource(redirectUri) };
    }

    private static Page WebMessage(string redirectUri, List<KeyValuePair<string, string>> members)
    {
        var origin = Urls.Origin(redirectUri);
        var response = MessageJson(members);
        var body = Html.Of($"""<p id="response" data-target="{origin}" data-response="{response}">You can close this window.</p>""");
        return new Page("Back to the application", body) { Script = MessageScript, FrameAncestor = origin };
    }

    private static string MessageJson(List<KeyValuePair<string, string>> members)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>();
        using (var writer = new System.Text.Json.Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            foreach (var (name, value) in members)
            {
                writer.WriteString(name, value);
            }

            writer.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
