using System.Collections.Concurrent;

namespace TokenVault.Server.Connections;

/// <summary>What a connection's provider says of itself (OpenID Connect Discovery 1.0), fetched when the catalogue and the options leave something open.</summary>
internal sealed class ProviderMetadata(UpstreamHttp http, TimeProvider time)
{
    public const string WellKnown = "/.well-known/openid-configuration";

    private static readonly TimeSpan MaxAge = TimeSpan.FromHours(1);

    private readonly ConcurrentDictionary<(string Url, string? Issuer), CachedFetch<ProviderEndpoints>> _fetched = new();

    public async Task<ProviderResult<ProviderEndpoints>> ResolveAsync(Connection connection, Provider provider, CancellationToken cancellationToken)
    {
        var known = ProviderEndpoints.Of(connection, provider);
        if (ToFetch(known, provider) is not { } url)
        {
            return new(known, null);
        }

        var fetch = _fetched.GetOrAdd(
            (url, known.Issuer), key => new CachedFetch<ProviderEndpoints>(() => FetchAsync(key.Url, key.Issuer, http.Deadline, CancellationToken.None), time));
        var metadata = await fetch.GetAsync(MaxAge, cancellationToken);
        return metadata.Value is { } found ? new(known.CompletedBy(found), null) : metadata;
    }

    /// <summary>Where the metadata are that are needed; null when nothing is left open, or nothing says where.</summary>
    public static string? ToFetch(ProviderEndpoints known, Provider provider)
    {
        var complete = known is { AuthorizationEndpoint: not null, TokenEndpoint: not null }
            && (!provider.OpenIdConnect || known is { Issuer: not null, JwksUri: not null });
        return complete ? null : known.DiscoveryUrl;
    }

    /// <summary>The metadata as they are now.</summary>
    public async Task<ProviderResult<ProviderEndpoints>> FetchAsync(string url, string? issuer, TimeSpan patience, CancellationToken cancellationToken)
    {
        if (!UpstreamUrl.TryParse(url, out var address, out var problem))
        {
            return Failed(ProviderFailureKind.Misconfigured, "discovery_url " + problem);
        }

        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        var (answer, failure) = await http.SendAsync(request, UpstreamHttp.DefaultLimit, new SendTerms(patience), cancellationToken);
        if (answer is null)
        {
            return new(null, failure! with { Detail = "discovery: " + failure.Detail });
        }

        if (answer.Status != System.Net.HttpStatusCode.OK || UpstreamJson.Object(answer.Body) is not { } json)
        {
            return new(null, new ProviderFailure(ProviderFailureKind.Unavailable, $"discovery answered {(int)answer.Status} without metadata") { Status = (int)answer.Status });
        }

        var named = json.Text("issuer");
        if (named is null || !IsExpected(named, issuer, url))
        {
            return new(null, new ProviderFailure(ProviderFailureKind.Misconfigured, "the provider's metadata name another issuer") { Status = (int)answer.Status });
        }

        return new(Read(json, named), null);
    }

    /// <summary>OpenID Connect Discovery §4.3: identical to the issuer that the metadata's address is made of.</summary>
    private static bool IsExpected(string named, string? issuer, string url)
    {
        if (issuer is not null)
        {
            return string.Equals(named, issuer, StringComparison.Ordinal);
        }

        // The address does not tell whether the issuer it was made of ended with a slash.
        return url.EndsWith(WellKnown, StringComparison.Ordinal)
            && url[..^WellKnown.Length] is var prefix
            && (string.Equals(named, prefix, StringComparison.Ordinal) || string.Equals(named, prefix + "/", StringComparison.Ordinal));
    }

    private static ProviderEndpoints Read(System.Text.Json.JsonElement json, string issuer)
    {
        var methods = json.Texts("token_endpoint_auth_methods_supported");
        var postOnly = methods is not null && methods.Contains("client_secret_post") && !methods.Contains("client_secret_basic");
        return new ProviderEndpoints
        {
            Issuer = issuer,
            JwksUri = json.Text("jwks_uri"),
            AuthorizationEndpoint = json.Text("authorization_endpoint"),
            TokenEndpoint = json.Text("token_endpoint"),
            UserinfoEndpoint = json.Text("userinfo_endpoint"),
            RevocationEndpoint = json.Text("revocation_endpoint"),
            IssRequired = json.TryGetProperty("authorization_response_iss_parameter_supported", out var iss)
                && iss.ValueKind == System.Text.Json.JsonValueKind.True,
            AuthMethod = postOnly ? ClientAuthMethod.Post : ClientAuthMethod.Basic,
            SigningAlgorithms = json.Texts("id_token_signing_alg_values_supported") ?? [],
        };
    }

    private static ProviderResult<ProviderEndpoints> Failed(ProviderFailureKind kind, string detail) => new(null, new ProviderFailure(kind, detail));
}
