using System.Security.Cryptography;
using System.Text.Json.Nodes;
using TokenVault.Server;
using TokenVault.Server.Connections;
using TokenVault.Server.Keys;
using TokenVault.Testing;

namespace TokenVault.Tests.Connections;

/// <summary>A provider client that may speak to loopback, and connections to a fake provider.</summary>
internal sealed class Upstream
{
    public const string RedirectUri = "https://localhost:8443/login/callback/acme";
    public const string Verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    public const string Nonce = "n-0S6_WzA2Mj";

    private Upstream(TimeProvider time)
    {
        Options = new TokenVaultOptions { Egress = { AllowedNetworks = ["127.0.0.0/8"] } };
        Ring = new KeyRing([new Kek(1, RandomNumberGenerator.GetBytes(32))], RandomNumberGenerator.GetBytes(32));
        Client = ProviderClient.Create(ProviderCatalog.Load(), new EgressGuard(Options, time), Ring, Options, time);
    }

    public TokenVaultOptions Options { get; }

    public KeyRing Ring { get; }

    public ProviderClient Client { get; }

    public static Upstream Create(TimeProvider? time = null) => new(time ?? TimeProvider.System);

    public Connection OAuth2(FakeProvider provider) => Connection("oauth2", provider, new ConnectionOptions
    {
        AuthorizationUrl = provider.Sandbox.AuthorizationUrl,
        TokenUrl = provider.Sandbox.TokenUrl,
        UserInfoUrl = provider.Sandbox.UserInfoUrl,
        RevocationUrl = provider.Sandbox.RevocationUrl,
    });

    public Connection Oidc(FakeProvider provider) => Connection("oidc", provider, new ConnectionOptions { Issuer = provider.Issuer });

    public Connection Connection(string strategy, FakeProvider provider, ConnectionOptions options)
    {
        const string id = "con_0123456789abcdef";
        return new Connection
        {
            Id = id,
            Name = "acme",
            Strategy = strategy,
            Options = options with
            {
                ClientId = provider.ClientId,
                SealedClientSecret = ConnectionSecret.Seal(Ring, id, new Secret(provider.ClientSecret)),
            },
        };
    }

    public static AuthorizeUpstream Authorize(params string[] scopes) =>
        new(RedirectUri, "state-1", Nonce, Verifier, scopes, new Dictionary<string, string>());

    public static RedeemUpstream Redeem(string code, string? iss = null) => new(RedirectUri, code, Nonce, Verifier, iss, []);

    /// <summary>Sends a browser through the provider and hands back what it returned with.</summary>
    public async Task<RedeemUpstream> ApproveAsync(Connection connection, params string[] scopes)
    {
        var (url, failure) = await Client.AuthorizeUrlAsync(connection, Authorize(scopes), CancellationToken.None);
        failure.ShouldBeNull();
        var query = Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery((await FakeProvider.VisitAsync(url!)).Query);
        return Redeem(query["code"].ToString(), query["iss"]);
    }

    public async Task<ProviderGrant> ConnectAsync(Connection connection, params string[] scopes)
    {
        var (grant, failure) = await Client.RedeemAsync(connection, await ApproveAsync(connection, scopes), CancellationToken.None);
        failure.ShouldBeNull();
        return grant!;
    }

    public static JsonObject Params(string json) => (JsonObject)JsonNode.Parse(json)!;
}
