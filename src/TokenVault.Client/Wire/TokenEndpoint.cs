using System.Net.Http.Headers;
using System.Text;

namespace TokenVault.Client.Wire;

/// <summary>Form posts with the client's authentication. Sent once; a second time only when the server demands a DPoP nonce, having done nothing yet.</summary>
internal sealed class TokenEndpoint(Transport transport, Discovery discovery, TokenVaultOptions options, DpopProofs proofs, TimeProvider time)
{
    /// <param name="form">Called for each sending, since what is signed is good once.</param>
    public async Task<TokenAnswer> PostAsync(Func<Dictionary<string, string>> form, FailureContext context, CancellationToken cancellationToken)
    {
        var answer = await SendAsync(await discovery.TokenEndpointAsync(cancellationToken), form, cancellationToken);
        if (!answer.IsSuccess)
        {
            throw Failures.Of(answer, time.GetUtcNow(), context with { Signed = context.Signed || SignsItself });
        }

        var token = answer.Read(WireJson.Default.TokenAnswer);
        return string.IsNullOrEmpty(token.AccessToken)
            ? throw new TokenVaultException(TokenVaultFailure.InvalidAnswer, "The server's answer has no access token.") { Status = answer.Status }
            : token;
    }

    public async Task<Answer> SendAsync(Uri endpoint, Func<Dictionary<string, string>> form, CancellationToken cancellationToken)
    {
        var answer = await SendOnceAsync(endpoint, form(), cancellationToken);
        var renewed = proofs.Learn(endpoint, answer);
        var demanded = answer.Status == 400 && answer.TryRead(WireJson.Default.ErrorAnswer)?.Error == "use_dpop_nonce";
        if (!renewed || !demanded)
        {
            return answer;
        }

        answer = await SendOnceAsync(endpoint, form(), cancellationToken);
        proofs.Learn(endpoint, answer);
        return answer;
    }

    public bool SignsItself => proofs.Enabled || options.EffectiveAuthentication.Key is not null;

    private async Task<Answer> SendOnceAsync(Uri endpoint, Dictionary<string, string> form, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, endpoint);
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        Authenticate(request, form);
        request.Content = new FormUrlEncodedContent(form);
        proofs.Attach(request);
        return await transport.SendAsync(request, cancellationToken);
    }

    private void Authenticate(HttpRequestMessage request, Dictionary<string, string> form)
    {
        var authentication = options.EffectiveAuthentication;
        if (authentication.Method == "client_secret_basic")
        {
            // RFC 6749 §2.3.1: each half is form-encoded first.
            var pair = $"{Uri.EscapeDataString(options.ClientId)}:{Uri.EscapeDataString(authentication.SecretValue!)}";
            request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(pair)));
            return;
        }

        form["client_id"] = options.ClientId;
        if (authentication.SecretValue is { } secret)
        {
            form["client_secret"] = secret;
        }

        if (authentication.Key is { } key)
        {
            form["client_assertion_type"] = Names.AssertionType;
            form["client_assertion"] = Jwt.Assertion(key, options, time.GetUtcNow());
        }
    }
}
