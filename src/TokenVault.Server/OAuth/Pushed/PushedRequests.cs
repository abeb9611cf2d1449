using TokenVault.Server.Clients;
using TokenVault.Server.Http;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.OAuth.Pushed;

/// <summary>Keeps what clients have pushed until a browser comes with its name, once.</summary>
internal sealed class PushedRequests(IStorage storage, KeyRing ring, TimeProvider time)
{
    private const string Prefix = "urn:ietf:params:oauth:request_uri:";

    public static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(90);

    /// <summary>Whether the value names something that was pushed, rather than an address to fetch a request from, which this server does not do.</summary>
    public static bool IsName(string? requestUri) => requestUri?.StartsWith(Prefix, StringComparison.Ordinal) == true;

    /// <returns>The <c>request_uri</c>.</returns>
    public async Task<Secret> KeepAsync(Client client, IEnumerable<KeyValuePair<string, string>> parameters)
    {
        var name = new Secret(Identifier.Secret());
        var request = new PushedRequest { Id = Identifier.Hash(name.Reveal()), ClientId = client.ClientId, Deadline = time.GetUtcNow() + Lifetime };
        var query = new Secret(Urls.WithQuery("", parameters));
        await storage.CommitAsync(new Batch().Insert(request with { SealedQuery = ring.SealText(query, request.Identity()) }));
        return new Secret(Prefix + name.Reveal());
    }

    /// <summary>Whoever brings it uses it up (RFC 9126 §4). Another client's name for it counts as none, and uses up nothing.</summary>
    /// <returns>The request as a query; null when there is none of this client's by that name, or no more.</returns>
    public async ValueTask<string?> TakeAsync(string? clientId, string requestUri, CancellationToken cancellationToken)
    {
        var request = await storage.FindAsync<PushedRequest>(Identifier.Hash(requestUri[Prefix.Length..]), cancellationToken);
        if (request is null || request.ClientId != clientId || !(await storage.CommitAsync(new Batch().Delete(request))).Committed)
        {
            return null;
        }

        return ring.OpenText(request.SealedQuery, request.Identity()).Reveal();
    }
}
