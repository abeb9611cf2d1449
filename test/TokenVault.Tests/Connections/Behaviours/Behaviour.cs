using System.Text.Json.Nodes;

namespace TokenVault.Tests.Connections.Behaviours;

/// <summary>
/// A provider as its own documentation describes it, written down apart from the server's catalogue: what it demands, what it refuses, and
/// what it sends. <see cref="ProviderDouble"/> behaves like this and no other way.
/// </summary>
internal sealed record Behaviour(string Strategy, string Authorize, string Token)
{
    /// <summary>What the operator fills in beside the client and its scopes.</summary>
    public string Options { get; init; } = "{}";

    /// <summary>The scopes that the operator sets on the connection; none: the provider has no scopes to ask for.</summary>
    public string[] Asks { get; init; } = [];

    /// <summary>The scopes without which it gives no user id or no refresh token.</summary>
    public string[] Needs { get; init; } = [];

    public string ScopeName { get; init; } = "scope";

    public char Separator { get; init; } = ' ';

    /// <summary><c>name=value</c> of the authorization request, without which it is of no use.</summary>
    public string[] Demands { get; init; } = [];

    /// <summary>The same of the code's redemption.</summary>
    public string[] RedeemDemands { get; init; } = [];

    public PkceRule Pkce { get; init; } = PkceRule.Refused;

    /// <summary>Client authentication in the header; else in the body. The other way is refused.</summary>
    public bool Basic { get; init; }

    /// <summary>Token requests as JSON; a form is refused. Else the other way round.</summary>
    public bool Json { get; init; }

    /// <summary>Speaks of <c>type</c> where others speak of <c>grant_type</c>.</summary>
    public bool OldDraft { get; init; }

    /// <summary>Headers that every call must have.</summary>
    public string[] Headers { get; init; } = [];

    /// <summary>Where it refreshes, if not where it redeems.</summary>
    public string? Refresh { get; init; }

    public RefreshRule Rotation { get; init; } = RefreshRule.SingleUse;

    /// <summary>In seconds, what the tokens last; null: they do not end.</summary>
    public int? Lifetime { get; init; } = 3600;

    /// <summary>Whether <c>expires_in</c> says so.</summary>
    public bool SaysLifetime { get; init; } = true;

    public Func<Issue, JsonNode> Answer { get; init; } = Standard;

    /// <summary>The answer as a form.</summary>
    public bool AnswersForm { get; init; }

    /// <summary>Its words for a refresh token that is no longer valid.</summary>
    public (int Status, string Body) Dead { get; init; } = (400, """{"error":"invalid_grant","error_description":"The refresh token is not valid."}""");

    /// <summary>How it tells who the user is; null: in the token answer, or an id_token.</summary>
    public UserPlace? User { get; init; }

    public required string UserId { get; init; }

    public string? Email { get; init; }

    /// <summary>The workspace or company that the user id belongs to.</summary>
    public string? Tenant { get; init; }

    /// <summary>With OpenID Connect.</summary>
    public OpenIdPlace? OpenId { get; init; }

    /// <summary>What the callback carries beside code and state.</summary>
    public string Callback { get; init; } = "";

    /// <summary>What an application needs beside the token: <c>name=value</c>.</summary>
    public string[] Comes { get; init; } = [];

    public RevocationPlace? Revocation { get; init; }

    /// <summary>A short-lived token has to be traded for a long-lived one.</summary>
    public bool Upgrades { get; init; }

    public static JsonNode Standard(Issue issue) => new JsonObject
    {
        ["access_token"] = issue.AccessToken,
        ["token_type"] = "Bearer",
        ["scope"] = string.Join(' ', issue.Scopes),
    }.WithTokens(issue);

    public override string ToString() => Strategy;
}

internal enum PkceRule
{
    /// <summary>A code challenge is a parameter that it does not know, and refuses.</summary>
    Refused,

    Supported,

    Required,
}

internal enum RefreshRule
{
    None,
    Stable,
    Overlap,
    Replay,
    SingleUse,
    FamilyRevoking,
}

/// <summary>Tokens on their way out.</summary>
/// <param name="RefreshToken">Null: there is none, or the old one stays.</param>
internal sealed record Issue(string AccessToken, string? RefreshToken, IReadOnlyList<string> Scopes, int? Lifetime, bool IsRefresh, string? IdToken);

/// <param name="Authorization">The header's name and value; <c>{token}</c> is the access token.</param>
/// <param name="Query">What a POST's body must hold.</param>
internal sealed record UserPlace(string Url, string Json, string Authorization = "Authorization: Bearer {token}", string? Query = null);

/// <param name="Claims">Further claims, as JSON.</param>
internal sealed record OpenIdPlace(string Issuer, string Keys, string Claims);

/// <param name="Kind">Which token it takes: <c>refresh</c> or <c>access</c>.</param>
/// <param name="Proof"><c>client</c>, <c>bearer</c>, <c>none</c>, or the name of the header that holds the token.</param>
/// <param name="Place"><c>form name</c>, <c>json name</c>, or <c>none</c>.</param>
internal sealed record RevocationPlace(string Method, string Url, string Kind = "refresh", string Proof = "client", string Place = "form token", bool Basic = false)
{
    /// <summary>A success in its own words.</summary>
    public string Answer { get; init; } = "";

    /// <summary>Its words for a token that is not valid.</summary>
    public (int Status, string Body) Dead { get; init; } = (400, """{"error":"invalid_token","error_description":"Token is not revocable."}""");
}

internal static class BehaviourJson
{
    /// <summary>Adds <c>expires_in</c>, <c>refresh_token</c> and <c>id_token</c> where there are any.</summary>
    public static JsonObject WithTokens(this JsonObject json, Issue issue)
    {
        if (issue.Lifetime is { } seconds)
        {
            json["expires_in"] = seconds;
        }

        if (issue.RefreshToken is not null)
        {
            json["refresh_token"] = issue.RefreshToken;
        }

        if (issue.IdToken is not null)
        {
            json["id_token"] = issue.IdToken;
        }

        return json;
    }

    public static JsonNode With(this JsonObject json, string member, string name, JsonNode value)
    {
        json[member]![name] = value;
        return json;
    }

    /// <summary>Further members, as JSON.</summary>
    public static JsonNode And(this JsonNode json, string members)
    {
        foreach (var (name, value) in JsonNode.Parse(members)!.AsObject())
        {
            json[name] = value?.DeepClone();
        }

        return json;
    }
}
