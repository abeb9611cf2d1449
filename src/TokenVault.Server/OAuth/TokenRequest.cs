using TokenVault.Server.Clients;
using TokenVault.Server.Http;
using TokenVault.Server.Keys;

namespace TokenVault.Server.OAuth;

/// <summary>A request of the token endpoint, once it is known who sends it.</summary>
/// <param name="Client">Authenticated, and allowed to use the grant.</param>
/// <param name="Proven">The keys that it has proved to hold.</param>
internal sealed record TokenRequest(RequestParameters Parameters, Client Client, RequestOrigin Origin, Confirmation Proven);
