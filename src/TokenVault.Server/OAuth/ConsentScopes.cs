using TokenVault.Server.Clients;
using TokenVault.Server.Http;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.OAuth;

/// <summary>What scopes mean, in words for the person who is asked: the API's own, and those of OpenID Connect (Core §5.4, §11).</summary>
internal static class ConsentScopes
{
    private static readonly Dictionary<string, string> Standard = new(StringComparer.Ordinal)
    {
        [Wire.OpenId] = "Know who you are",
        ["profile"] = "See your name and picture",
        ["email"] = "See your e-mail address",
        [Wire.OfflineAccess] = "Keep this access while you are away",
    };

    public static Html List(IEnumerable<string> scopes, ResourceServer? api) => Html.Join(scopes.Select(scope => Item(scope, Meaning(scope, api))));

    private static string? Meaning(string scope, ResourceServer? api)
    {
        var described = api?.Scopes.FirstOrDefault(known => known.Value == scope)?.Description;
        return string.IsNullOrWhiteSpace(described) ? Standard.GetValueOrDefault(scope) : described;
    }

    /// <summary>The words first: whoever has the list read aloud hears what it is before how it is spelled.</summary>
    private static Html Item(string scope, string? meaning) =>
        meaning is null ? Html.Of($"<li><code>{scope}</code></li>") : Html.Of($"<li>{meaning} <code>{scope}</code></li>");
}
