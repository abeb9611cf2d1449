namespace TokenVault.Client.Wire;

/// <summary>One request, one answer, within the time; what goes wrong on the way is typed.</summary>
internal sealed class Transport(Func<HttpClient> http, TokenVaultOptions options, TimeProvider time)
{
    private const long LongestAnswer = 1 << 20;

    /// <exception cref="TokenVaultException">There was no answer.</exception>
    public async Task<Answer> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(options.Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        try
        {
            using var response = await http().SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            await response.Content.LoadIntoBufferAsync(LongestAnswer, either.Token);
            return await Answer.ReadAsync(response, time.GetUtcNow(), either.Token);
        }
        catch (OperationCanceledException e)
        {
            // The caller's own token, not the linked one.
            cancellationToken.ThrowIfCancellationRequested();
            throw new TokenVaultException(TokenVaultFailure.TemporarilyUnavailable, "The server did not answer in time.", e);
        }
        catch (HttpRequestException e)
        {
            throw Failed(e);
        }
    }

    private static TokenVaultException Failed(HttpRequestException e) => e.HttpRequestError switch
    {
        HttpRequestError.SecureConnectionError => new(TokenVaultFailure.UntrustedServer, "No TLS connection that can be trusted: " + e.Message, e),
        HttpRequestError.ConfigurationLimitExceeded => new(TokenVaultFailure.InvalidAnswer, "The server's answer is too long.", e),
        HttpRequestError.InvalidResponse => new(TokenVaultFailure.InvalidAnswer, "The server does not speak HTTP.", e),
        _ => new(TokenVaultFailure.TemporarilyUnavailable, "The server cannot be reached: " + e.Message, e),
    };
}
