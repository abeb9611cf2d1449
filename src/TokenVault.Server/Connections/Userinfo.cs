using System.Net;
using System.Net.Http.Headers;
using TokenVault.Server.Keys;

namespace TokenVault.Server.Connections;

/// <summary>Asks a provider whom an access token belongs to, where no id_token says it.</summary>
internal sealed class Userinfo(UpstreamHttp http)
{
    private const string Endpoint = "the userinfo endpoint";
    private const int LongestSubject = 255;

    public async Task<ProviderResult<ProviderIdentity>> ReadAsync(
        Uri endpoint, Provider provider, string issuer, Secret accessToken, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, endpoint);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", accessToken.Reveal());
        var (answer, failure) = await http.SendAsync(request, UpstreamHttp.DefaultLimit, cancellationToken);
        if (answer is null)
        {
            return new(null, failure! with { Detail = Endpoint + ": " + failure.Detail });
        }

        if (answer.Status is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden or HttpStatusCode.NotFound)
        {
            return Failed(ProviderFailureKind.Misconfigured, $"{Endpoint} answered {(int)answer.Status}");
        }

        if (answer.Status != HttpStatusCode.OK || UpstreamJson.Object(answer.Body) is not { } json)
        {
            return Failed(ProviderFailureKind.Unavailable, $"{Endpoint} answered {(int)answer.Status} without JSON", answer.RetryAfter);
        }

        return First(json, provider.UserIdPaths) is { Length: <= LongestSubject } subject
            ? new(new ProviderIdentity(issuer, subject, First(json, provider.EmailPaths)), null)
            : Failed(ProviderFailureKind.Misconfigured, $"{Endpoint} names no user under {string.Join(", ", provider.UserIdPaths)}");
    }

    private static string? First(System.Text.Json.JsonElement json, IReadOnlyList<string> paths) =>
        paths.Select(p => json.At(p)).FirstOrDefault(v => v is not null);

    private static ProviderResult<ProviderIdentity> Failed(ProviderFailureKind kind, string detail, TimeSpan? retryAfter = null) =>
        new(null, new ProviderFailure(kind, detail, retryAfter));
}
