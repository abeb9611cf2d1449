using System.Buffers.Text;
using System.Collections.Frozen;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.WebUtilities;

namespace TokenVault.Server.Connections;

/// <summary>The address that a browser is sent to at the provider (RFC 6749 §4.1.1).</summary>
internal static class AuthorizationUrl
{
    // What the flow itself says: nobody's parameters may say otherwise, and a secret never goes into a URL (T-UP-14).
    private static readonly FrozenSet<string> Reserved = FrozenSet.Create(
        StringComparer.Ordinal,
        "response_type",
        "response_mode",
        "client_id",
        "client_secret",
        "client_assertion",
        "redirect_uri",
        "state",
        "scope",
        "nonce",
        "code_challenge",
        "code_challenge_method",
        "code_verifier",
        "request",
        "request_uri");

    // Of an application's parameters, these reach the provider without the operator's say-so (OpenID Connect Core §3.1.2.1).
    private static readonly FrozenSet<string> Standard = FrozenSet.Create(
        StringComparer.Ordinal,
        "acr_values",
        "audience",
        "display",
        "id_token_hint",
        "login_hint",
        "max_age",
        "prompt",
        "resource",
        "ui_locales");

    // By these, providers are asked for refresh tokens and for consent to them.
    private static readonly FrozenSet<string> Offline = FrozenSet.Create(
        StringComparer.Ordinal, "access_type", "token_access_type", "duration", "include_granted_scopes", "prompt");

    public static bool IsReserved(string parameter) => Reserved.Contains(parameter);

    public static string Build(Uri endpoint, Connection connection, Provider provider, AuthorizeUpstream request, IReadOnlyList<string> scopes)
    {
        var parameters = Extras(connection, provider, request);
        parameters["response_type"] = "code";
        parameters["client_id"] = connection.Options.ClientId!;
        parameters["redirect_uri"] = request.RedirectUri;
        parameters["state"] = request.State;
        if (scopes.Count > 0)
        {
            parameters[provider.ScopeParameter] = string.Join(provider.ScopeSeparator, scopes);
        }

        if (provider.OpenIdConnect)
        {
            parameters["nonce"] = request.Nonce;
        }

        if (connection.Options.Pkce ?? provider.Pkce)
        {
            parameters["code_challenge"] = Challenge(request.CodeVerifier);
            parameters["code_challenge_method"] = "S256";
        }

        return QueryHelpers.AddQueryString(endpoint.AbsoluteUri, parameters.Select(p => KeyValuePair.Create(p.Key, (string?)p.Value)));
    }

    /// <summary>The application's parameters, over them the catalogue's, over them the operator's.</summary>
    private static SortedDictionary<string, string> Extras(Connection connection, Provider provider, AuthorizeUpstream request)
    {
        var extras = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in request.Parameters.Where(p => Standard.Contains(p.Key)))
        {
            extras[name] = value;
        }

        foreach (var (name, value) in provider.AuthorizeParams.Where(p => !request.SignInOnly || !Offline.Contains(p.Key)))
        {
            extras[name] = name == "prompt" ? Prompts(extras.GetValueOrDefault(name), value) : value;
        }

        foreach (var (name, setting) in connection.Options.UpstreamParams ?? [])
        {
            if (!Reserved.Contains(name) && Value(setting, request) is { } value)
            {
                extras[name] = value;
            }
        }

        return extras;
    }

    /// <summary>An application that wants the user to sign in anew gets that beside the catalogue's consent; <c>none</c> stands alone and yields to it.</summary>
    private static string Prompts(string? asked, string catalogues) =>
        asked is null or "none" ? catalogues : Protocol.Scope.Format(Protocol.Scope.Parse($"{asked} {catalogues}"));

    /// <summary><c>{"value":"v"}</c> is sent as it stands, <c>{"alias":"login_hint"}</c> takes this request's parameter of that name.</summary>
    private static string? Value(JsonNode? setting, AuthorizeUpstream request)
    {
        if (setting is not JsonObject named)
        {
            return null;
        }

        if (named["value"] is JsonValue value && value.TryGetValue<string>(out var text))
        {
            return text;
        }

        return named["alias"] is JsonValue alias && alias.TryGetValue<string>(out var from) ? request.Parameters.GetValueOrDefault(from) : null;
    }

    /// <summary>RFC 7636 §4.2, S256.</summary>
    private static string Challenge(string verifier) => Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(verifier)));
}
