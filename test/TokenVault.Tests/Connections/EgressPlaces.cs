using System.Text;
using System.Text.Json.Nodes;
using TokenVault.Server.Connections;
using TokenVault.Testing;

namespace TokenVault.Tests.Connections;

/// <summary>The places that an address can come from, and what puts one there.</summary>
internal static class EgressPlaces
{
    /// <summary>Every place that an address can come from, and the members of records that hold it.</summary>
    public static IReadOnlyDictionary<string, string[]> Members { get; } = new Dictionary<string, string[]>
    {
        ["authorizationURL"] = ["ConnectionOptions.AuthorizationUrl", "ProviderEndpoints.AuthorizationEndpoint"],
        ["tokenURL at the redemption"] = ["ConnectionOptions.TokenUrl", "ProviderEndpoints.TokenEndpoint"],
        ["tokenURL at the refresh"] = ["ConnectionOptions.TokenUrl"],
        ["userInfoURL"] = ["ConnectionOptions.UserInfoUrl", "ProviderEndpoints.UserinfoEndpoint"],
        ["revocationURL"] = ["ConnectionOptions.RevocationUrl", "ProviderEndpoints.RevocationEndpoint"],
        ["discovery_url"] = ["ConnectionOptions.DiscoveryUrl", "ProviderEndpoints.DiscoveryUrl"],
        ["issuer"] = ["ConnectionOptions.Issuer", "ProviderEndpoints.Issuer", "Provider.Issuer"],
        ["jwks_uri"] = ["ConnectionOptions.JwksUri"],
        ["authorization_endpoint of the metadata"] = ["ProviderEndpoints.AuthorizationEndpoint"],
        ["token_endpoint of the metadata"] = ["ProviderEndpoints.TokenEndpoint"],
        ["userinfo_endpoint of the metadata"] = ["ProviderEndpoints.UserinfoEndpoint"],
        ["jwks_uri of the metadata"] = ["ProviderEndpoints.JwksUri"],
        ["revocation_endpoint of the metadata"] = ["ProviderEndpoints.RevocationEndpoint"],
        ["authorization_endpoint of an entry"] = ["Provider.AuthorizationEndpoint"],
        ["token_endpoint of an entry"] = ["Provider.TokenEndpoint"],
        ["refresh_endpoint of an entry"] = ["Provider.RefreshEndpoint", "ProviderEndpoints.RefreshEndpoint"],
        ["user.endpoint of an entry"] = ["UserLookup.Endpoint"],
        ["revocation.endpoint of an entry"] = ["ProviderRevocation.Endpoint"],
        ["discovery_url of an entry"] = ["Provider.DiscoveryUrl"],
        ["jwks_uri of an entry"] = ["Provider.JwksUri"],
        ["httpEndpoint of a log stream"] = ["LogStream.Endpoint"],
        ["webhook of approvals"] = [],
    };

    /// <summary>Browsers are sent there, or tools read it: the server does not call it.</summary>
    public static bool IsNotCalled(string place) => place == "jwks_uri" || place.StartsWith("authorization", StringComparison.Ordinal);

    /// <summary>An address that may be called from the place. An entry's are https, which the fake provider does not speak: there the dialling says it.</summary>
    public static string Good(string place) => (IsOfEntry(place) ? "https://public.example" : EgressScene.Provider) + place.Split(' ')[0] switch
    {
        "issuer" => "",
        "tokenURL" or "token_endpoint" => "/token",
        "userInfoURL" or "userinfo_endpoint" => "/userinfo",
        "revocationURL" or "revocation_endpoint" or "httpEndpoint" or "webhook" => "/revoke",
        "jwks_uri" => "/jwks",
        _ => "/.well-known/openid-configuration",
    };

    public static bool IsOfEntry(string place) => place.EndsWith("of an entry", StringComparison.Ordinal);

    /// <summary>Null when no catalogue takes an entry with that address.</summary>
    public static ProviderCatalog? Catalog(string place, string url)
    {
        if (!IsOfEntry(place))
        {
            return ProviderCatalog.Load();
        }

        try
        {
            return ProviderCatalog.Read([("acme.json", new MemoryStream(Encoding.UTF8.GetBytes(Entry(place.Split(' ')[0], url).ToJsonString())))]);
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }

    private static JsonObject Entry(string member, string url)
    {
        var entry = new JsonObject
        {
            ["strategy"] = "acme",
            ["display_name"] = "Acme",
            ["documentation"] = "https://public.example/docs",
            ["custom"] = true,
            ["pkce"] = true,
            ["token_endpoint_auth_method"] = "client_secret_post",
            ["rotation_class"] = "unknown",
            ["revocation"] = member == "revocation.endpoint" ? new JsonObject { ["endpoint"] = url } : null,
        };
        if (member == "discovery_url")
        {
            entry[member] = url;
            return entry;
        }

        entry["authorization_endpoint"] = "https://public.example/authorize";
        entry["token_endpoint"] = "https://public.example/token";
        if (member == "user.endpoint")
        {
            entry["user"] = new JsonObject { ["endpoint"] = url, ["id"] = new JsonArray("sub") };
        }

        if (member == "jwks_uri")
        {
            entry["open_id_connect"] = true;
            entry["issuer"] = "https://public.example";
            entry["required_scopes"] = new JsonArray("openid");
        }

        if (!member.Contains('.'))
        {
            entry[member] = url;
        }

        return entry;
    }

    public static Fault Metadata(string? member, string url)
    {
        var metadata = new JsonObject
        {
            ["issuer"] = EgressScene.Provider,
            ["authorization_endpoint"] = EgressScene.Provider + "/authorize",
            ["token_endpoint"] = EgressScene.Provider + "/token",
            ["userinfo_endpoint"] = EgressScene.Provider + "/userinfo",
            ["jwks_uri"] = EgressScene.Provider + "/jwks",
            ["revocation_endpoint"] = EgressScene.Provider + "/revoke",
        };
        if (member is not null)
        {
            metadata[member] = url;
        }

        return Fault.Answer(200, "application/json", metadata.ToJsonString());
    }
}
