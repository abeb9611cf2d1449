namespace TokenVault.Server.Http;

/// <summary>Where a request came from, for the audit log.</summary>
/// <param name="Ip">The peer, or what a named trusted proxy says the peer was.</param>
internal sealed record RequestOrigin(string? Ip, string? UserAgent)
{
    private const int LongestUserAgent = 512;

    public static RequestOrigin Of(HttpContext context)
    {
        var agent = context.Request.Headers.UserAgent.ToString();
        return new RequestOrigin(
            context.Connection.RemoteIpAddress?.ToString(),
            agent.Length == 0 ? null : agent[..Math.Min(agent.Length, LongestUserAgent)]);
    }
}
