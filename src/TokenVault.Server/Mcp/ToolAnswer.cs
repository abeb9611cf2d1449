using System.Text.Json.Nodes;
using ModelContextProtocol.Protocol;
using TokenVault.Server.Http;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Mcp;

/// <summary>What a tool tells the model: JSON as text, never a token.</summary>
internal static class ToolAnswer
{
    public static CallToolResult Of(JsonObject json) => new() { Content = [new TextContentBlock { Text = json.ToJsonString() }] };

    /// <param name="reason">One of <see cref="FailureReason"/>, or <c>invalid_request</c>.</param>
    public static CallToolResult Failed(string reason, string description, JsonObject? more = null)
    {
        var json = new JsonObject { ["error"] = reason, ["error_description"] = description };
        foreach (var (name, value) in more ?? [])
        {
            json[name] = value?.DeepClone();
        }

        return new CallToolResult { IsError = true, Content = [new TextContentBlock { Text = json.ToJsonString() }] };
    }

    public static CallToolResult Invalid(string problem) => Failed("invalid_request", problem);

    /// <summary>As the exchange would answer.</summary>
    /// <param name="link">Where the user can mend it.</param>
    public static CallToolResult Of(OAuthError error, string? link)
    {
        var more = new JsonObject();
        if (error.RetryAfter is { } wait)
        {
            more["retry_after_seconds"] = (long)Math.Ceiling(wait.TotalSeconds);
        }

        more.With("missing_scopes", error.MissingScopes is { } missing ? WireJson.Texts(missing) : null)
            .With("approval_uri", error.Approval?.ApprovalUri)
            .With("connect_url", link);
        return Failed(error.Reason ?? error.Error, error.Description, more);
    }
}
