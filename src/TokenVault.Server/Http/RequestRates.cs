using System.Collections.Concurrent;
using System.Globalization;
using TokenVault.Server.Audit;

namespace TokenVault.Server.Http;

/// <summary>
/// How many requests a second one caller of an API may make, told with every answer in the headers that SDKs wait by:
/// <c>x-ratelimit-limit</c>, <c>-remaining</c>, <c>-reset</c>. Each node counts for itself.
/// </summary>
internal sealed class RequestRates(TokenVaultOptions options, TimeProvider time, LimitAlarm alarm)
{
    private const int Capacity = 10_000;

    private readonly ConcurrentDictionary<string, (long Second, int Count)> _counts = new(StringComparer.Ordinal);

    /// <summary>Counts a request of somebody who has shown a token: strangers are not counted here.</summary>
    /// <returns>False when the caller has to wait; the log has been told, and the headers say for how long.</returns>
    public async ValueTask<bool> AdmitAsync(HttpContext context, string api, string clientId, string? userId)
    {
        var limit = options.Api.RequestsPerSecond;
        if (limit == 0)
        {
            return true;
        }

        var key = $"{api} {clientId} {userId}";
        var second = time.GetUtcNow().ToUnixTimeSeconds();
        var count = Count(key, second);
        var headers = context.Response.Headers;
        headers["x-ratelimit-limit"] = limit.ToString(CultureInfo.InvariantCulture);
        headers["x-ratelimit-remaining"] = Math.Max(0, limit - count).ToString(CultureInfo.InvariantCulture);
        headers["x-ratelimit-reset"] = (second + 1).ToString(CultureInfo.InvariantCulture);
        if (count <= limit)
        {
            return true;
        }

        await alarm.RaiseAsync(key, new AuditEvent
        {
            Type = AuditType.ApiLimit,
            Description = $"More than {limit} requests a second to the {api} API",
            ClientId = clientId,
            UserId = userId,
        }.From(RequestOrigin.Of(context)));
        return false;
    }

    private int Count(string key, long second)
    {
        if (_counts.Count >= Capacity)
        {
            foreach (var old in _counts.Where(pair => pair.Value.Second < second))
            {
                _counts.TryRemove(old);
            }
        }

        return _counts.AddOrUpdate(key, (second, 1), (_, counted) => counted.Second == second ? (second, counted.Count + 1) : (second, 1)).Count;
    }
}
