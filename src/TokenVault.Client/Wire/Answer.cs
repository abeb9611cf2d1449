using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace TokenVault.Client.Wire;

/// <summary>An HTTP answer, read to its end.</summary>
internal sealed class Answer
{
    private readonly byte[] _body;

    private Answer(byte[] body) => _body = body;

    public int Status { get; private init; }

    public bool IsSuccess => Status is >= 200 and <= 299;

    /// <summary>The server's clock.</summary>
    public DateTimeOffset? Date { get; private init; }

    public TimeSpan? RetryAfter { get; private init; }

    public string? DpopNonce { get; private init; }

    /// <summary>RFC 9449 §9: at a protected resource the demand is in the challenge.</summary>
    public bool ChallengesForNonce { get; private init; }

    public static async Task<Answer> ReadAsync(HttpResponseMessage response, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var retry = response.Headers.RetryAfter;
        return new Answer(await response.Content.ReadAsByteArrayAsync(cancellationToken))
        {
            Status = (int)response.StatusCode,
            Date = response.Headers.Date,
            RetryAfter = retry?.Delta ?? (retry?.Date is { } date ? Longer(date - now, TimeSpan.Zero) : null),
            DpopNonce = response.Headers.TryGetValues("DPoP-Nonce", out var nonces) ? nonces.FirstOrDefault() : null,
            ChallengesForNonce = response.Headers.WwwAuthenticate.Any(challenge =>
                challenge.Scheme.Equals("DPoP", StringComparison.OrdinalIgnoreCase)
                && challenge.Parameter?.Contains("use_dpop_nonce", StringComparison.Ordinal) == true),
        };
    }

    /// <exception cref="TokenVaultException">It is not what was to be expected.</exception>
    public T Read<T>(JsonTypeInfo<T> type)
        where T : class =>
        TryRead(type) ?? throw new TokenVaultException(TokenVaultFailure.InvalidAnswer, "The server's answer is not the JSON that was to be expected.") { Status = Status };

    public T? TryRead<T>(JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return _body.Length == 0 ? null : JsonSerializer.Deserialize(_body, type);
        }
        catch (JsonException)
        {
            // Without the cause: it may quote the answer.
            return null;
        }
    }

    private static TimeSpan Longer(TimeSpan one, TimeSpan other) => one > other ? one : other;
}
