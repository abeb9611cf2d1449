using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using TokenVault.Server.Keys.Jose;

namespace TokenVault.Server.Connections;

/// <summary>
/// The keys that providers sign id_tokens with. A set is fetched again when it is an hour old, and once a minute at most when no
/// key in it fits a token, so that neither a rollover nor made-up key ids cause a storm (T-UP-03).
/// </summary>
internal sealed class ProviderKeys(UpstreamHttp http, TimeProvider time)
{
    private const int LargestSet = 256 * 1024;
    private const int MostKeys = 100;

    private static readonly TimeSpan MaxAge = TimeSpan.FromHours(1);
    private static readonly TimeSpan MaxAgeForUnknownKey = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<(string Url, string Algorithms), CachedFetch<IReadOnlyList<VerificationKey>>> _fetched = new();

    /// <param name="afterMiss">The set at hand has no key that fits: fetch it again, if it is not too fresh for that.</param>
    public Task<ProviderResult<IReadOnlyList<VerificationKey>>> FindAsync(ProviderEndpoints provider, bool afterMiss, CancellationToken cancellationToken)
    {
        if (provider.JwksUri is not { } url)
        {
            return Task.FromResult(Failed(ProviderFailureKind.Misconfigured, "the provider names no jwks_uri"));
        }

        return Of(provider, url).GetAsync(afterMiss ? MaxAgeForUnknownKey : MaxAge, cancellationToken);
    }

    /// <summary>The keys at hand, without a look over the network.</summary>
    public IReadOnlyList<VerificationKey> Held(ProviderEndpoints provider) => (provider.JwksUri is { } url ? Of(provider, url).Held : null) ?? [];

    private CachedFetch<IReadOnlyList<VerificationKey>> Of(ProviderEndpoints provider, string url) => _fetched.GetOrAdd(
        (url, string.Join(' ', provider.SigningAlgorithms)),
        key => new CachedFetch<IReadOnlyList<VerificationKey>>(() => FetchAsync(key.Url, key.Algorithms.Split(' ')), time));

    /// <summary>The key of that id; without an id, the only key there is (OpenID Connect Core §10.1).</summary>
    public static VerificationKey? Pick(IReadOnlyList<VerificationKey> keys, string? kid)
    {
        var fitting = kid is null ? keys : [.. keys.Where(k => string.Equals(k.Kid, kid, StringComparison.Ordinal))];

        // Two keys of one name leave open which of them is meant.
        return fitting.Count == 1 ? fitting[0] : null;
    }

    private async Task<ProviderResult<IReadOnlyList<VerificationKey>>> FetchAsync(string url, string[] algorithms)
    {
        if (!UpstreamUrl.TryParse(url, out var address, out var problem))
        {
            return Failed(ProviderFailureKind.Misconfigured, "jwks_uri " + problem);
        }

        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        var (answer, failure) = await http.SendAsync(request, LargestSet, CancellationToken.None);
        if (answer is null)
        {
            return new(null, failure! with { Detail = "key set: " + failure.Detail });
        }

        if (answer.Status != HttpStatusCode.OK
            || UpstreamJson.Object(answer.Body) is not { } json
            || !json.TryGetProperty("keys", out var keys)
            || keys.ValueKind != JsonValueKind.Array
            || keys.GetArrayLength() > MostKeys)
        {
            return Failed(ProviderFailureKind.Unavailable, $"the key set's address answered {(int)answer.Status} without a key set");
        }

        return new([.. keys.EnumerateArray().Select(k => Key(k, algorithms)).OfType<VerificationKey>()], null);
    }

    private static VerificationKey? Key(JsonElement jwk, string[] algorithms)
    {
        if (jwk.ValueKind != JsonValueKind.Object || (jwk.Text("use") ?? "sig") != "sig")
        {
            return null;
        }

        var alg = jwk.Text("alg") ?? AlgorithmOf(jwk, algorithms);
        return alg is null ? null : VerificationKey.FromJwk(jwk, alg, out _);
    }

    /// <summary>A key that names no algorithm is used with the one that its type and the provider's metadata allow, never with the token's.</summary>
    private static string? AlgorithmOf(JsonElement jwk, string[] algorithms)
    {
        string[] fitting = (jwk.Text("kty"), jwk.Text("crv")) switch
        {
            ("RSA", _) => ["RS256", "PS256", "RS384", "PS384", "RS512", "PS512"],
            ("EC", "P-256") => ["ES256"],
            ("EC", "P-384") => ["ES384"],
            ("EC", "P-521") => ["ES512"],
            _ => [],
        };
        return Array.Find(fitting, a => algorithms.Contains(a, StringComparer.Ordinal)) ?? fitting.FirstOrDefault();
    }

    private static ProviderResult<IReadOnlyList<VerificationKey>> Failed(ProviderFailureKind kind, string detail) =>
        new(null, new ProviderFailure(kind, detail));
}
