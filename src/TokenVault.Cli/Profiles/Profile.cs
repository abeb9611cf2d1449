using System.Globalization;
using System.Text.Json.Nodes;

namespace TokenVault.Cli.Profiles;

/// <summary>A login at a server. The client's secret, if it was made with one, is not kept.</summary>
internal sealed record Profile
{
    public required string Issuer { get; init; }

    /// <summary>The client that acts at the server.</summary>
    public required string ClientId { get; init; }

    public required string AccessToken { get; init; }

    public required DateTimeOffset ExpiresAt { get; init; }

    /// <summary>What renews the login of a person; null: it ends.</summary>
    public string? RefreshToken { get; init; }

    /// <summary>Whether it opens a person's own accounts, and not the Management API.</summary>
    public bool OwnAccounts { get; init; }

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
        if (RefreshToken is not null)
        {
            json["refresh_token"] = RefreshToken;
        }

        if (OwnAccounts)
        {
            json["own_accounts"] = true;
        }

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
        RefreshToken = (string?)json["refresh_token"],
        OwnAccounts = (bool?)json["own_accounts"] ?? false,
        Authority = (string?)json["ca_certificate"],
    };
}
