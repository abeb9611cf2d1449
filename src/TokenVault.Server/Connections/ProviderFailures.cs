using System.Collections.Frozen;
using System.Net;
using System.Text.Json;

namespace TokenVault.Server.Connections;

/// <summary>
/// What a provider's refusal means. Only the provider's own word that the grant is dead counts as that; trouble of any other kind
/// never costs a user their connection (security reference, section 4.1).
/// </summary>
internal static class ProviderFailures
{
    private const int LongestCode = 64;

    private static readonly FrozenSet<string> Transient = FrozenSet.Create(
        StringComparer.Ordinal,
        "temporarily_unavailable",
        "server_error",
        "slow_down",
        "internal_error",
        "internal_server_error",
        "fatal_error",
        "service_unavailable",
        "service_timeout",
        "request_timeout",
        "ratelimited",
        "rate_limited",
        "rate_limit_exceeded",
        "too_many_requests");

    /// <summary>The failure of an answer that carries this error code, or none.</summary>
    public static ProviderFailure Of(string endpoint, UpstreamAnswer answer, string? code, Provider provider)
    {
        var status = (int)answer.Status;
        var detail = code is null ? $"{endpoint} answered {status}" : $"{endpoint} answered {status} {Sanitised(code)}";
        return new ProviderFailure(Kind(answer.Status, code, provider), detail, answer.RetryAfter);
    }

    /// <summary>For the metrics: <c>success</c> when nothing failed.</summary>
    public static string Outcome(ProviderFailure? failure) =>
        failure is null ? "success" : JsonNamingPolicy.SnakeCaseLower.ConvertName(failure.Kind.ToString());

    private static ProviderFailureKind Kind(HttpStatusCode status, string? code, Provider provider)
    {
        // A gateway speaks for itself: what stands behind it may have done its work.
        if (status is HttpStatusCode.BadGateway or HttpStatusCode.GatewayTimeout || (int)status is (>= 520 and <= 530) or 598 or 599)
        {
            return ProviderFailureKind.OutcomeUnknown;
        }

        // Before any code: a provider in trouble may say anything, and 429 is about haste, not about the grant.
        if ((int)status >= 500 || status is HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout)
        {
            return ProviderFailureKind.Unavailable;
        }

        if (code is "invalid_grant" || (code is not null && provider.DeadGrantErrors.Contains(code, StringComparer.Ordinal)))
        {
            return ProviderFailureKind.GrantRejected;
        }

        if (status == HttpStatusCode.Unauthorized)
        {
            return ProviderFailureKind.Misconfigured;
        }

        return code is null || Transient.Contains(code) ? ProviderFailureKind.Unavailable : ProviderFailureKind.Misconfigured;
    }

    /// <summary>The only part of a provider's body that a log sees.</summary>
    private static string Sanitised(string code) =>
        new([.. code.Take(LongestCode).Select(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.' ? c : '?')]);
}
