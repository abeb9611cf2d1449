using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;

namespace TokenVault.Client.Wire;

/// <summary>Attaches the current user's token; on one 401 asks whether there is another.</summary>
internal sealed class ConnectionHandler(TokenVaultClient vault, ISubjectTokenSource user, TokenRequest wanted) : DelegatingHandler
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (request.Headers.Authorization is not null)
        {
            return await base.SendAsync(request, cancellationToken);
        }

        if (request.RequestUri is not { } uri || (uri.Scheme != Uri.UriSchemeHttps && !uri.IsLoopback))
        {
            throw new InvalidOperationException("A provider's token goes over HTTPS only.");
        }

        var subject = await user.GetAsync(cancellationToken)
            ?? throw new TokenVaultException(TokenVaultFailure.SubjectRejected, "Nobody is signed in.") { Connection = wanted.Connection, Scopes = wanted.Scopes };
        var token = await vault.GetTokenAsync(subject, wanted, cancellationToken);
        var response = await SendAsync(request, token, cancellationToken);
        if (response.StatusCode != HttpStatusCode.Unauthorized)
        {
            return response;
        }

        vault.Forget(subject, wanted, token);
        if (!CanBeSentAgain(request.Content))
        {
            return response;
        }

        var another = await AnotherAsync(subject, response, cancellationToken);
        if (another.AccessToken == token.AccessToken)
        {
            // The server has no other: the provider's word stands.
            return response;
        }

        response.Dispose();
        return await SendAsync(request, another, cancellationToken);
    }

    private async Task<ProviderToken> AnotherAsync(SubjectToken subject, HttpResponseMessage response, CancellationToken cancellationToken)
    {
        try
        {
            return await vault.GetTokenAsync(subject, wanted, cancellationToken);
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, ProviderToken token, CancellationToken cancellationToken)
    {
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token.AccessToken);
        try
        {
            return await base.SendAsync(request, cancellationToken);
        }
        finally
        {
            // The caller may keep the request, and log it.
            request.Headers.Authorization = null;
        }
    }

    /// <summary>Content out of memory, which is the same the second time.</summary>
    private static bool CanBeSentAgain(HttpContent? content) => content is null or ByteArrayContent or ReadOnlyMemoryContent or JsonContent;
}
