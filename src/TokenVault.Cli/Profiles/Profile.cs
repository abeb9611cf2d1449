using System.Globalization;
using System.Text.Json.Nodes;

namespace TokenVault.Cli.Profiles;

/// <summary>A login at a server. The secret that it was made with is not kept.</summary>
internal sealed record Profile
{
    public required string Issuer { get; init; }

    /// <summary>The client that acts at the server.</summary>
    public required string ClientId { get; init; }

    public required string AccessToken { get; init; }

    public required DateTimeOffset ExpiresAt { get; init; }

    /// <summary>PEM text of the authority that the server's certificate is from; null: one that this machine trusts.</summary>
    public string? Authority { get; init; }

    /// <summary>The name that it has when nobody gives it one.</summary>
    public static string NameFor(string issuer) => new Uri(issuer).Authority;

    public JsonObject ToJson()
    {
        var json = new JsonObject
        {
            ["issuer"] = Issuer,
            ["client_id"] = ClientId,
            ["access_token"] = AccessToken,
            ["expires_at"] = ExpiresAt.ToString("O", CultureInfo.InvariantCulture),
        };
        if (Authority is not null)
        {
            json["ca_certificate"] = Authority;
        }

        return json;
    }

    public static Profile FromJson(JsonNode json) => new()
    {
        Issuer = (string)json["issuer"]!,
        ClientId = (string)json["client_id"]!,
        AccessToken = (string)json["access_token"]!,
        ExpiresAt = DateTimeOffset.Parse((string)json["expires_at"]!, CultureInfo.InvariantCulture),
        Authority = (string?)json["ca_certificate"],
    };
}
