using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using TokenVault.Server.Http;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.OAuth.Ciba;

/// <summary>
/// A valid backchannel authentication request (CIBA Core §7.1), in Auth0's form. Published clients take <c>invalid_request</c> for a user who
/// cannot be reached, so wherever there is a code that says more, it is that one.
/// </summary>
internal sealed record BackchannelRequest
{
    private const int LongestMessage = 64;
    private const int LongestHint = 1024;
    private const int LongestUserId = 256;

    /// <summary>Three days, in seconds.</summary>
    private const int LongestExpiry = 259_200;

    private const int DefaultExpiry = 300;

    private static readonly string[] Known =
    [
        "client_id", "client_secret", "client_assertion", "client_assertion_type", "scope", "audience", "resource", "login_hint", "login_hint_token",
        "id_token_hint", "binding_message", "authorization_details", "requested_expiry", "request_expiry", "acr_values", "request",
    ];

    private static readonly JsonDocumentOptions StrictJson = new() { AllowDuplicateProperties = false, MaxDepth = 4 };

    public required string UserId { get; init; }

    public string? Audience { get; init; }

    public IReadOnlyList<string> Scopes { get; init; } = [];

    public string? BindingMessage { get; init; }

    public string? AuthorizationDetails { get; init; }

    public TimeSpan Expiry { get; init; }

    public bool AsksForMultiFactor { get; init; }

    public static Outcome<BackchannelRequest> Parse(RequestParameters parameters, string issuer)
    {
        if (parameters.RequireText(Known) is { } wrongType)
        {
            return wrongType;
        }

        if (parameters["request"] is not null)
        {
            return OAuthError.InvalidRequest("Signed requests are not supported.");
        }

        var scopes = Scope.Parse(parameters["scope"]);
        if (!scopes.Contains(Wire.OpenId) || scopes.Count > 100 || scopes.Any(scope => !Scope.IsToken(scope)))
        {
            return OAuthError.InvalidScope("scope must be a list of scope tokens, with openid among them.");
        }

        if (UserIn(parameters, issuer) is not { } userId)
        {
            return UnknownUser("""login_hint must be {"format":"iss_sub","iss":"…","sub":"…"} with this server's issuer, and the only hint.""");
        }

        if (parameters["binding_message"] is { } message && !IsMessage(message))
        {
            return new OAuthError(400, "invalid_binding_message", $"binding_message must have at most {LongestMessage} characters, of A-Z a-z 0-9 space + - _ . , : #");
        }

        var sent = parameters["authorization_details"];
        var details = sent is null ? null : Protocol.AuthorizationDetails.Parse(sent);
        if (sent is not null && details is null)
        {
            return new OAuthError(400, "invalid_authorization_details", "authorization_details must be a JSON array of objects that have a type.");
        }

        return ExpiryOf(parameters) is not { } expiry
            ? OAuthError.InvalidRequest($"requested_expiry must be a number of seconds from 1 to {LongestExpiry}.")
            : new BackchannelRequest
            {
                UserId = userId,
                Audience = parameters["audience"] ?? parameters["resource"],
                Scopes = scopes,
                BindingMessage = parameters["binding_message"],
                AuthorizationDetails = details,
                Expiry = expiry,
                AsksForMultiFactor = Scope.Parse(parameters["acr_values"]).Contains(AuthenticationMethod.MultiFactorContext),
            };
    }

    public static OAuthError UnknownUser(string description) => new(400, "unknown_user_id", description);

    /// <summary>RFC 9493 §3.2.3, without its members' names for the format: as Auth0 has it.</summary>
    private static string? UserIn(RequestParameters parameters, string issuer)
    {
        if (parameters["login_hint"] is not { Length: <= LongestHint } hint || parameters["login_hint_token"] is not null || parameters["id_token_hint"] is not null)
        {
            return null;
        }

        try
        {
            return JsonNode.Parse(hint, documentOptions: StrictJson) is JsonObject read
                && Text(read, "format") == "iss_sub"
                && Text(read, "iss") == issuer
                && Text(read, "sub") is { Length: > 0 and <= LongestUserId } sub
                && !sub.Contains('\0', StringComparison.Ordinal)
                    ? sub
                    : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static string? Text(JsonObject read, string name) => read[name] is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    private static bool IsMessage(string message) =>
        message.Length <= LongestMessage && message.All(c => char.IsAsciiLetterOrDigit(c) || c is ' ' or '+' or '-' or '_' or '.' or ',' or ':' or '#');

    private static TimeSpan? ExpiryOf(RequestParameters parameters)
    {
        if ((parameters["requested_expiry"] ?? parameters["request_expiry"]) is not { } text)
        {
            return TimeSpan.FromSeconds(DefaultExpiry);
        }

        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds is >= 1 and <= LongestExpiry
            ? TimeSpan.FromSeconds(seconds)
            : null;
    }
}
