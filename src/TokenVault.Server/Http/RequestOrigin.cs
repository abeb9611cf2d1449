using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace TokenVault.Server.Http;

/// <summary>Where a request came from, for the audit log.</summary>
/// <param name="Ip">The peer, or what a named trusted proxy says the peer was.</param>
internal sealed partial record RequestOrigin(string? Ip, string? UserAgent)
{
    private const int LongestUserAgent = 512;

    /// <summary>What the SDK in use says of itself.</summary>
    public JsonObject? Sdk { get; init; }

    /// <summary>By which the caller finds the entries of one transaction of theirs again.</summary>
    public string? CorrelationId { get; init; }

    public static RequestOrigin Of(HttpContext context)
    {
        var agent = context.Request.Headers.UserAgent.ToString();
        return new RequestOrigin(
            context.Connection.RemoteIpAddress?.ToString(),
            agent.Length == 0 ? null : agent[..Math.Min(agent.Length, LongestUserAgent)])
        {
            Sdk = SdkName.Read(context.Request),
            CorrelationId = CorrelationOf(context.Request),
        };
    }

    /// <summary>APIs are told it in a header, the sign-in by a parameter; what is not of the field's form is nothing for the log.</summary>
    private static string? CorrelationOf(HttpRequest request)
    {
        var told = request.Headers.TryGetValue("X-Correlation-ID", out var header) ? header.ToString() : request.Query["correlation_id"].ToString();
        return CorrelationForm().IsMatch(told) ? told : null;
    }

    [GeneratedRegex(@"^[-A-Za-z0-9_.*~@+/:]{1,64}\z", RegexOptions.CultureInvariant)]
    private static partial Regex CorrelationForm();
}
