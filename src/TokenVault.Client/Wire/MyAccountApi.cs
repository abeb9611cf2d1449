using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace TokenVault.Client.Wire;

/// <summary>Calls to <c>/me/v1</c> as the user, with a token that their refresh token is traded for (multi-resource refresh).</summary>
internal sealed class MyAccountApi(Transport transport, TokenEndpoint tokens, TokenVaultOptions options, DpopProofs proofs, TimeProvider time)
{
    private readonly TokenCache<AccountToken> _cache = new(options, time, token => token.ExpiresAt, _ => true);

    private string Audience => options.Issuer + "me/";

    public void ForgetAll(SubjectToken user) => _cache.ForgetAll(user);

    /// <exception cref="TokenVaultException">It failed.</exception>
    public async Task<Answer> CallAsync(SubjectToken user, AccountCall call, CancellationToken cancellationToken)
    {
        var key = new CacheKey(user.CacheKey, "", null, call.Scope);
        for (var again = false; ; again = true)
        {
            var token = user.Kind switch
            {
                SubjectTokenKind.AccessToken => new AccountToken(user.Value, IsBound: false, DateTimeOffset.MaxValue),
                SubjectTokenKind.RefreshToken => await _cache.GetAsync(key, token => FetchAsync(user, call.Scope, token), cancellationToken),
                _ => throw new ArgumentException("Connecting takes a user who is present: their refresh token, or an access token for " + Audience, nameof(user)),
            };
            var answer = await SendAsync(token, call, cancellationToken);
            if (answer.IsSuccess)
            {
                return answer;
            }

            // A refused token says nothing was done: it may have been revoked while it lay here.
            _cache.Forget(key, cached => ReferenceEquals(cached, token));
            if (answer.Status != 401 || again || user.Kind is SubjectTokenKind.AccessToken)
            {
                throw Failures.Of(answer, time.GetUtcNow(), call.Context with { Signed = token.IsBound });
            }
        }
    }

    public static Func<HttpContent> Json<T>(T body, JsonTypeInfo<T> type)
    {
        var bytes = JsonSerializer.SerializeToUtf8Bytes(body, type);
        return () => new ByteArrayContent(bytes) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
    }

    private async Task<AccountToken> FetchAsync(SubjectToken user, string scope, CancellationToken cancellationToken)
    {
        var form = new Dictionary<string, string>
        {
            ["grant_type"] = "refresh_token",
            ["refresh_token"] = user.Value,
            ["audience"] = Audience,
            ["scope"] = scope,
        };
        var answer = await tokens.PostAsync(() => new(form), new FailureContext(), cancellationToken);
        if (answer.RefreshToken is { } successor && successor != user.Value)
        {
            await KeepAsync(user, successor, cancellationToken);
        }

        var bound = string.Equals(answer.TokenType, "DPoP", StringComparison.OrdinalIgnoreCase);
        return new AccountToken(answer.AccessToken!, bound, time.GetUtcNow() + Seconds.Of(answer.ExpiresIn));
    }

    private static Task KeepAsync(SubjectToken user, string successor, CancellationToken cancellationToken) =>
        user.Rotated?.Invoke(successor, cancellationToken) ?? throw new InvalidOperationException(
            "The client's refresh tokens rotate, and nobody keeps the new one: give SubjectToken.RefreshToken its second argument, or let them not rotate.");

    private async Task<Answer> SendAsync(AccountToken token, AccountCall call, CancellationToken cancellationToken)
    {
        var (answer, renewed) = await SendOnceAsync(token, call, cancellationToken);
        if (answer.Status == 401 && answer.ChallengesForNonce && renewed)
        {
            (answer, _) = await SendOnceAsync(token, call, cancellationToken);
        }

        return answer;
    }

    private async Task<(Answer Answer, bool NonceIsNew)> SendOnceAsync(AccountToken token, AccountCall call, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(call.Method, options.Issuer + "me/v1/connected-accounts/" + call.Path);
        request.Headers.Authorization = new AuthenticationHeaderValue(token.IsBound ? "DPoP" : "Bearer", token.Value);
        request.Content = call.Content?.Invoke();
        if (token.IsBound)
        {
            proofs.Attach(request, token.Value);
        }

        var answer = await transport.SendAsync(request, cancellationToken);
        return (answer, proofs.Learn(request.RequestUri!, answer));
    }

    /// <param name="IsBound">To the client's DPoP key.</param>
    private sealed record AccountToken(string Value, bool IsBound, DateTimeOffset ExpiresAt)
    {
        public override string ToString() => "[token]";
    }
}

/// <param name="Path">Below <c>/me/v1/connected-accounts/</c>.</param>
/// <param name="Scope">What the token must be good for.</param>
internal sealed record AccountCall(HttpMethod Method, string Path, string Scope, FailureContext Context, Func<HttpContent>? Content = null);
